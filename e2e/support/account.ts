// Requests that are kept account of: each with a label, remembered as its client saw it, and audited together in the end.
import type { RunningSystem } from '@waystation/testing';
import { complete, stream, type Answer, type AskOptions, type StreamEnd } from './ask.ts';
import { audit, baseline, type Audit, type Told } from './audit.ts';
import { forgetTruth, truth, type TruthCall } from './truth.ts';
import { warmUp } from './use-system.ts';
import { until } from './wait.ts';

type Script = Readonly<Record<string, unknown>>;
type Body = Readonly<Record<string, unknown>> & { readonly sandbox?: Script };

export interface Account {
  readonly told: readonly Told[];
  /** Undefined where not even an answer came. */
  complete(label: string, body: Body, options?: AskOptions): Promise<Answer | undefined>;
  stream(
    label: string,
    body: Body,
    options?: AskOptions & { readonly onText?: (text: string) => void },
  ): Promise<StreamEnd>;
  /** Says more of a request. */
  mark(label: string, fact: Pick<Told, 'misreported' | 'continued' | 'lost'>): void;
  /** The sandbox's calls of a label that have ended. */
  callsOf(label: string): Promise<TruthCall[]>;
  audit(options?: { readonly leases?: boolean }): Promise<Audit>;
}

/** Longer than a worker listens to a provider that bills to the end. */
const CALLS_OVER_MS = 120_000;

/** Waits until all that was before is settled; the truth log begins anew. */
export const openAccount = async (system: RunningSystem): Promise<Account> => {
  await warmUp(system);
  const before = await baseline(system);
  await forgetTruth(system);
  const told: Told[] = [];
  const labelled = (label: string, body: Body) => ({ ...body, sandbox: { ...body.sandbox, label } });
  return {
    told,
    async complete(label, body, options) {
      const answer = await complete(system, labelled(label, body), options).catch(() => undefined);
      told.push({
        label,
        generationId: answer?.headers.get('x-generation-id') ?? undefined,
        content: answer?.json?.choices?.[0]?.message?.content ?? '',
        whole: answer?.status === 200 && answer.json?.error === undefined,
      });
      return answer;
    },
    async stream(label, body, options) {
      const end = await stream(system, labelled(label, body), options);
      const { generationId, content, done, error } = end;
      told.push({ label, generationId, content, whole: done && error === undefined });
      return end;
    },
    mark(label, fact) {
      const at = told.findIndex((each) => each.label === label);
      const each = told[at];
      if (each === undefined) throw new Error(`nothing was asked as ${label}`);
      told[at] = { ...each, ...fact };
    },
    callsOf: (label) =>
      until(`the calls of ${label} have ended`, CALLS_OVER_MS, async () => {
        const calls = (await truth(system)).filter((call) => call.label === label);
        return calls.length === 0 || calls.some(({ outcome }) => outcome === 'running') ? undefined : calls;
      }),
    audit: (options) => audit(system, told, before, options),
  };
};
