// The environment of the ingress, read once.
import { z } from 'zod';

/** Name of the second listener, where there is one. */
export const MANAGEMENT = 'management';

const LOOPBACK = '127.0.0.1';
const port = z.coerce.number().int().min(0).max(65_535);

export const ingressConfig = z
  .object({
    WAYSTATION_HOST: z.string().min(1).default(LOOPBACK),
    WAYSTATION_PORT: port.default(8080),
    /** Where set, management has this address to itself, and is not answered at the other. */
    WAYSTATION_MANAGEMENT_PORT: port.optional(),
    WAYSTATION_MANAGEMENT_HOST: z.string().min(1).optional(),
    /** SHA-256 of management keys, lower-case hex, commas between: their holders run the station and may grant credits. */
    WAYSTATION_OPERATOR_KEY_HASHES: z
      .string()
      .regex(
        /^[0-9a-f]{64}(,[0-9a-f]{64})*$/,
        'must be SHA-256 hashes of management keys in lower-case hex, commas between',
      )
      .optional(),
    /** Share of generations whose routing decision is kept without being asked for, 0 to 1. */
    WAYSTATION_DECISIONS_KEPT: z.coerce.number().min(0).max(1).default(0.01),
    /** The least that `X-Waystation-Hedge` may say, in milliseconds. Absent: no second endpoint is asked, whatever it says. */
    WAYSTATION_HEDGE_MS_MIN: z.coerce.number().int().min(1).max(60_000).optional(),
    WAYSTATION_BODY_BYTES_MAX: z.coerce.number().int().min(1024).max(1_073_741_824).default(33_554_432),
  })
  .superRefine(({ WAYSTATION_MANAGEMENT_PORT: second, WAYSTATION_MANAGEMENT_HOST: host, ...first }, context) => {
    const fault = (variable: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [variable], message });
    if (second === undefined && host !== undefined)
      fault(
        'WAYSTATION_MANAGEMENT_HOST',
        'says where management listens, which needs WAYSTATION_MANAGEMENT_PORT as well',
      );
    if (
      second !== undefined &&
      second !== 0 &&
      second === first.WAYSTATION_PORT &&
      (host ?? LOOPBACK) === first.WAYSTATION_HOST
    )
      fault('WAYSTATION_MANAGEMENT_PORT', `must not be WAYSTATION_PORT (${second}) on the same host`);
  })
  .transform((environment) => ({
    host: environment.WAYSTATION_HOST,
    port: environment.WAYSTATION_PORT,
    /** Undefined: one listener for all. */
    management:
      environment.WAYSTATION_MANAGEMENT_PORT === undefined
        ? undefined
        : {
            host: environment.WAYSTATION_MANAGEMENT_HOST ?? LOOPBACK,
            port: environment.WAYSTATION_MANAGEMENT_PORT,
          },
    decisionsKept: environment.WAYSTATION_DECISIONS_KEPT,
    bodyBytesMax: environment.WAYSTATION_BODY_BYTES_MAX,
    hedgeAfterMsMin: environment.WAYSTATION_HEDGE_MS_MIN,
    operatorKeyHashes: new Set(environment.WAYSTATION_OPERATOR_KEY_HASHES?.split(',')),
  }));

export type IngressConfig = z.infer<typeof ingressConfig>;
