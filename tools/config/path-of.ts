// Where the API says that something is wrong: its messages begin with the field, as `content_filters.0.pattern: ` or `provider.endpoints[0].price: `.
import type { Path } from '../../apps/control/src/config-file/place-nodes.ts';

const FIELD = /^([a-zA-Z_]\w*(?:\.\w+|\[\d+\])*): (.+)$/s;

export const pathOf = (message: string): { readonly at: Path; readonly problem: string } => {
  const [, field, problem] = FIELD.exec(message) ?? [];
  if (field === undefined || problem === undefined) return { at: [], problem: message };
  const at = field.split(/[.[\]]+/).filter((part) => part !== '');
  return { at: at.map((part) => (/^\d+$/.test(part) ? Number(part) : part)), problem };
};
