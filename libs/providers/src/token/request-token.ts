// Asks for a token, by the kit's client: its guard, limits and authorities hold here too. Nothing that the endpoint says is quoted but its error's word.
import { WaystationError } from '@waystation/contracts';
import type { UpstreamClient, UpstreamTarget } from '../kit/upstream.js';
import { isRecord, numberOf, textOf, type JsonObject } from '../json-shape.js';
import type { TokenForm } from './grant.js';
import type { Token } from './token-source.js';

const ANSWER_BYTES_MAX = 64 * 1024;
const TOKEN = /^[\x21-\x7e]{1,16384}$/;
const WORD = /^[a-z_]{1,64}$/;
/** Where nothing is told. https://www.rfc-editor.org/rfc/rfc6749#section-5.1 */
const LIFE_SECONDS_USUAL = 300;

export interface TokenTerms extends Pick<UpstreamTarget, 'allowPrivateAddress' | 'timeouts' | 'tls'> {
  /** Whose credential it is. */
  readonly providerName: string;
}

const CONNECTIONS_MAX = 64;

const read = (status: number, bytes: Buffer, providerName: string): Token => {
  const answer = jsonOf(bytes);
  const secret = textOf(answer['access_token']);
  if (status >= 200 && status <= 299 && secret !== undefined && TOKEN.test(secret)) {
    const seconds = numberOf(answer['expires_in']) ?? LIFE_SECONDS_USUAL;
    return { secret, lifeMs: Math.max(0, seconds) * 1_000 };
  }
  const word = textOf(answer['error']);
  const said = word !== undefined && WORD.test(word) ? ` (${word})` : '';
  const details = { provider_name: providerName, upstream_status: status };
  if (status >= 400 && status <= 403)
    throw new WaystationError(
      'provider_auth',
      `No token is given for the credential that is configured for ${providerName}${said}. The operator has to check it.`,
      { details },
    );
  throw new WaystationError(
    'provider_unavailable',
    `Whoever gives tokens for ${providerName} answered with status ${status} and no token${said}.`,
    { details },
  );
};

const jsonOf = (bytes: Buffer): JsonObject => {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
};

/** @throws WaystationError `provider_auth` where the credential is refused, `provider_unavailable` or `provider_timeout` where nobody answers as they should */
export const requestToken = (client: UpstreamClient, { url, form }: TokenForm, terms: TokenTerms): Promise<Token> =>
  new Promise((resolve, reject: (error: Error) => void) => {
    const { origin, pathname, search } = new URL(url);
    const target = {
      ...terms,
      url: new URL(origin),
      providerName: `Whoever gives tokens for ${terms.providerName}`,
      connectionsMax: CONNECTIONS_MAX,
    };
    const message = {
      path: pathname + search,
      query: '',
      headers: ['content-type', 'application/x-www-form-urlencoded', 'accept', 'application/json'],
      body: Buffer.from(new URLSearchParams(form).toString()),
    };
    const chunks: Buffer[] = [];
    let [status, bytes] = [0, 0];
    const call = client.send(target, message, {
      head: (head) => {
        status = head.status;
      },
      data: (chunk) => {
        chunks.push(Buffer.from(chunk));
        bytes += chunk.length;
        if (bytes <= ANSWER_BYTES_MAX) return;
        call.abort();
        reject(new WaystationError('provider_unavailable', `${target.providerName} answered with too much.`));
      },
      end: () => {
        try {
          resolve(read(status, Buffer.concat(chunks), terms.providerName));
        } catch (error) {
          reject(error as Error);
        }
      },
      fail: reject,
    });
  });
