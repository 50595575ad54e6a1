// What the sandbox would have billed: one entry per call it received, whatever became of it. Bounded; what fell out still counts in the totals.

export interface TruthCall {
  /** Counts from 1 per process. */
  readonly sequence: number;
  /** The id that the answer carries as `id` and `x-request-id`. */
  readonly id: string;
  /** `x-request-id` or `x-correlation-id` of the request. */
  readonly request?: string;
  /** Of the script, if the request set one. */
  readonly label?: string;
  /** Unix ms. */
  readonly at: number;
  endedAt?: number;
  readonly dialect: string;
  readonly model: string;
  readonly stream: boolean;
  readonly bodyBytes: number;
  readonly billsAfterCancel: boolean;
  /** HTTP status; absent while (or if) none was sent. */
  status?: number;
  /** `failed` as told, before or after output; `aborted` by the client. */
  outcome: 'running' | 'completed' | 'failed' | 'aborted';
  /** Tokens produced when the client left. */
  abortedAtToken?: number;
  /** Tokens produced so far, whether or not they are billed. */
  producedTokens: number;
  /** What is billed. Zero as long as nothing is. */
  promptTokens: number;
  cachedTokens: number;
  completionTokens: number;
  reasoningTokens: number;
  /** Of a reranking that was answered. */
  searchUnits?: number;
  /** Of a sound that was transcribed. */
  seconds?: number;
}

/** What is billed for a call. */
export type Billed = Pick<
  TruthCall,
  'promptTokens' | 'cachedTokens' | 'completionTokens' | 'reasoningTokens' | 'searchUnits' | 'seconds'
>;

export interface TruthTotals {
  calls: number;
  completed: number;
  failed: number;
  aborted: number;
  promptTokens: number;
  cachedTokens: number;
  completionTokens: number;
  reasoningTokens: number;
}

/** Entries kept; the oldest fall out first. */
export const TRUTH_CALLS_MAX = 250_000;

export interface TruthLog {
  begin(
    call: Omit<
      TruthCall,
      | 'sequence'
      | 'outcome'
      | 'producedTokens'
      | 'promptTokens'
      | 'cachedTokens'
      | 'completionTokens'
      | 'reasoningTokens'
      | 'searchUnits'
      | 'seconds'
    >,
  ): TruthCall;
  /** Ends an entry. A second end of the same entry is ignored. */
  end(call: TruthCall, outcome: 'completed' | 'failed' | 'aborted', billed?: Billed): void;
  /** `since` in Unix ms; `request` is an answered id, a correlation header's value or a label. */
  read(filter: { since?: number; request?: string; limit?: number }): TruthCall[];
  readonly totals: Readonly<TruthTotals>;
  readonly dropped: number;
  clear(): void;
}

const noTotals = (): TruthTotals => ({
  calls: 0,
  completed: 0,
  failed: 0,
  aborted: 0,
  promptTokens: 0,
  cachedTokens: 0,
  completionTokens: 0,
  reasoningTokens: 0,
});

export const createTruthLog = (now: () => number, callsMax: number = TRUTH_CALLS_MAX): TruthLog => {
  // A ring: the entry of `sequence` stands at (sequence − cleared − 1) mod callsMax.
  let ring: TruthCall[] = [];
  let sequence = 0;
  let cleared = 0;
  let totals = noTotals();
  return {
    begin(call) {
      sequence += 1;
      const entry: TruthCall = {
        sequence,
        ...call,
        outcome: 'running',
        producedTokens: 0,
        promptTokens: 0,
        cachedTokens: 0,
        completionTokens: 0,
        reasoningTokens: 0,
      };
      ring[(sequence - cleared - 1) % callsMax] = entry;
      totals.calls += 1;
      return entry;
    },
    end(call, outcome, billed) {
      if (call.outcome !== 'running' || call.sequence <= cleared) return;
      call.outcome = outcome;
      call.endedAt = now();
      totals[outcome] += 1;
      if (billed === undefined) return;
      call.promptTokens = billed.promptTokens;
      call.cachedTokens = billed.cachedTokens;
      call.completionTokens = billed.completionTokens;
      call.reasoningTokens = billed.reasoningTokens;
      if (billed.searchUnits !== undefined) call.searchUnits = billed.searchUnits;
      if (billed.seconds !== undefined) call.seconds = billed.seconds;
      totals.promptTokens += billed.promptTokens;
      totals.cachedTokens += billed.cachedTokens;
      totals.completionTokens += billed.completionTokens;
      totals.reasoningTokens += billed.reasoningTokens;
    },
    read({ since, request, limit }) {
      const count = sequence - cleared;
      const start = count > callsMax ? count % callsMax : 0;
      const inOrder = start === 0 ? ring : [...ring.slice(start), ...ring.slice(0, start)];
      const matching = inOrder.filter(
        (call) =>
          (since === undefined || call.at >= since) &&
          (request === undefined || call.id === request || call.request === request || call.label === request),
      );
      return limit === undefined ? matching : matching.slice(0, limit);
    },
    get totals() {
      return totals;
    },
    get dropped() {
      return Math.max(0, sequence - cleared - callsMax);
    },
    clear() {
      ring = [];
      cleared = sequence;
      totals = noTotals();
    },
  };
};
