// What the status page shows, as text. Pure.

export interface Fault {
  readonly fault: string;
}

/** Answer of `/console/data/status`. Amounts are USD. */
export interface Status {
  readonly release: string;
  readonly at: string;
  readonly workspace: { readonly id: string; readonly name: string };
  readonly services: readonly {
    readonly instance: string;
    readonly services: readonly string[];
    readonly release: string;
    readonly lastSeenMs: number;
  }[];
  readonly credits:
    Fault | { readonly purchased: number; readonly used: number; readonly balance: number; readonly held: number };
  readonly generations:
    | Fault
    | readonly {
        readonly id: string;
        readonly createdAt: string;
        readonly model: string;
        readonly provider: string | null;
        readonly promptTokens: number | null;
        readonly completionTokens: number | null;
        readonly cost: number | null;
        readonly latencyMs: number | null;
        readonly durationMs: number;
        readonly outcome: string;
        readonly error: string | null;
      }[];
}

export const isFault = (value: object): value is Fault => 'fault' in value;

/** USD with as many decimals as it takes to see a small amount, at least two. */
export const amount = (usd: number | null): string => {
  if (usd === null) return 'pending';
  const decimals =
    usd === 0 || Math.abs(usd) >= 1 ? 2 : Math.min(12, Math.max(2, 3 - Math.floor(Math.log10(Math.abs(usd)))));
  return `$${usd.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: decimals })}`;
};

export const count = (tokens: number | null): string => (tokens === null ? 'pending' : tokens.toLocaleString('en-US'));

export const duration = (ms: number | null): string => {
  if (ms === null) return '–';
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
};

export const age = (ms: number): string => (ms < 1500 ? 'now' : `${Math.round(ms / 1000)} s ago`);

export const clock = (iso: string): string => new Date(iso).toLocaleTimeString();
