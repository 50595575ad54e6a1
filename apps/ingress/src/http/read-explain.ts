// The header by which a client has the routing decision of a call kept, to be read with `GET /generation/decision`.
import { WaystationError } from '@waystation/contracts';

/** @throws WaystationError `invalid_request` for a word that says neither */
export const readExplain = (header: string | undefined): boolean => {
  switch (header?.toLowerCase()) {
    case undefined:
    case '':
    case 'false':
      return false;
    case 'true':
      return true;
    default:
      throw new WaystationError(
        'invalid_request',
        `X-Waystation-Explain: Expected 'true' or 'false', received '${(header ?? '').slice(0, 32)}'`,
        { details: { field: 'X-Waystation-Explain' } },
      );
  }
};
