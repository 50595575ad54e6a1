// One request of a probe and its answer, read by the dialect as an attempt's would be: nothing of it goes to anybody. Bounded in time and bytes, whatever the server does.
import { WaystationError } from '@waystation/contracts';
import type { Usage } from '@waystation/generation';
import {
  ERROR_BODY_BYTES_MAX,
  isDeliberatelyEmpty,
  type ResponseReader,
  type UpstreamClient,
  type UpstreamHead,
  type UpstreamListener,
} from '@waystation/providers';
import type { PreparedCall } from '../attempt/prepare-call.js';

export interface ProbeAnswer {
  /** Undefined where it is a good one. */
  readonly error: WaystationError | undefined;
  readonly status: number | undefined;
  /** The beginning of what came. */
  readonly answer: Buffer;
  readonly usage: Usage;
}

/** A few words are asked for. */
const ANSWER_BYTES_MAX = 1024 * 1024;
/** Kept to be shown; more than is shown, so that a secret in it is seen whole. */
const KEPT_BYTES_MAX = 8 * 1024;

const JSON_BODY = /^application\/json\b/i;

export const askOnce = (client: UpstreamClient, call: PreparedCall, timeoutMs: number): Promise<ProbeAnswer> => {
  const { providerName, secret } = call.terms;
  const wrong = (code: 'provider_invalid_response' | 'provider_timeout', what: string): WaystationError =>
    new WaystationError(code, `${providerName} ${what}.`, { details: { provider_name: providerName } });
  return new Promise((resolve) => {
    let head: UpstreamHead | undefined;
    let reader: ResponseReader | undefined;
    let bytes = 0;
    let settled = false;
    const chunks: Buffer[] = [];
    const isGood = (): boolean => head !== undefined && head.status >= 200 && head.status <= 299;
    const keptMax = (): number => (isGood() ? KEPT_BYTES_MAX : ERROR_BODY_BYTES_MAX);

    const settle = (error: WaystationError | undefined): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      upstream.abort();
      resolve({
        error,
        status: head?.status,
        answer: Buffer.concat(chunks).subarray(0, KEPT_BYTES_MAX),
        usage: reader?.report().usage ?? {},
      });
    };
    /** What reasons until its few tokens are used up has answered. */
    const judge = (read: ResponseReader): void => {
      const { failure } = read;
      settle(failure?.code === 'provider_empty' && isDeliberatelyEmpty(read.report()) ? undefined : failure);
    };
    const refusal = (): WaystationError =>
      call.parseError({
        status: head?.status ?? 0,
        header: (name) => head?.header(name),
        body: Buffer.concat(chunks),
        providerName,
        nowMs: Date.now(),
        ...(secret === undefined ? {} : { secret }),
      });

    const listener: UpstreamListener = {
      head(received) {
        head = received;
        if (!isGood()) return;
        const contentType = received.header('content-type');
        if ((received.header('content-encoding') ?? 'identity') !== 'identity')
          return settle(wrong('provider_invalid_response', 'answered in an encoding that was not asked for'));
        if (call.terms.stream && JSON_BODY.test(contentType ?? ''))
          return settle(wrong('provider_invalid_response', 'did not stream although it was asked to'));
        reader = call.read({ ...call.terms, ...(contentType === undefined ? {} : { contentType }) }, () => undefined);
      },
      data(chunk) {
        const kept = chunks.reduce((total, { length }) => total + length, 0);
        if (kept < keptMax()) chunks.push(Buffer.from(chunk.subarray(0, keptMax() - kept)));
        bytes += chunk.length;
        if (reader === undefined) {
          if (bytes >= ERROR_BODY_BYTES_MAX) settle(refusal());
          return;
        }
        reader.push(chunk);
        if (reader.failure !== undefined || reader.done) judge(reader);
        else if (bytes > ANSWER_BYTES_MAX)
          settle(wrong('provider_invalid_response', `answered with more than ${ANSWER_BYTES_MAX} bytes to one word`));
      },
      end() {
        if (reader === undefined) return settle(refusal());
        reader.end();
        judge(reader);
      },
      fail(error) {
        settle(head !== undefined && reader === undefined ? refusal() : error);
      },
    };
    const timer = setTimeout(() => settle(wrong('provider_timeout', 'did not answer in time')), timeoutMs);
    // Tells nothing before this turn is over.
    const upstream = client.send(call.target, call.message, listener);
  });
};
