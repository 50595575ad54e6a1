// The environment of the ingress, read once.
import { z } from 'zod';

const port = z.coerce.number().int().min(0).max(65_535);

export const ingressConfig = z
  .object({
    WAYSTATION_HOST: z.string().min(1).default('127.0.0.1'),
    WAYSTATION_PORT: port.default(8080),
    /** SHA-256 of management keys, lower-case hex, commas between: their holders run the station and may grant credits. */
    WAYSTATION_OPERATOR_KEY_HASHES: z
      .string()
      .regex(
        /^[0-9a-f]{64}(,[0-9a-f]{64})*$/,
        'must be SHA-256 hashes of management keys in lower-case hex, commas between',
      )
      .optional(),
    /** The least that `X-Waystation-Hedge` may say, in milliseconds. Absent: no second endpoint is asked, whatever it says. */
    WAYSTATION_HEDGE_MS_MIN: z.coerce.number().int().min(1).max(60_000).optional(),
    WAYSTATION_BODY_BYTES_MAX: z.coerce.number().int().min(1024).max(1_073_741_824).default(33_554_432),
  })
  .transform((environment) => ({
    host: environment.WAYSTATION_HOST,
    port: environment.WAYSTATION_PORT,
    bodyBytesMax: environment.WAYSTATION_BODY_BYTES_MAX,
    hedgeAfterMsMin: environment.WAYSTATION_HEDGE_MS_MIN,
    operatorKeyHashes: new Set(environment.WAYSTATION_OPERATOR_KEY_HASHES?.split(',')),
  }));

export type IngressConfig = z.infer<typeof ingressConfig>;
