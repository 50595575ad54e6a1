// What the sandbox would have billed, and at which price: the independent account against which Waystation's is held.
import { parseUsd } from '@waystation/contracts';
import type { RunningSystem } from '@waystation/testing';

/** See apps/sandbox/README.md. */
export interface TruthCall {
  readonly sequence: number;
  readonly id: string;
  readonly label?: string;
  readonly at: number;
  /** Unix ms. */
  readonly endedAt?: number;
  readonly dialect: string;
  readonly model: string;
  readonly stream: boolean;
  readonly bodyBytes: number;
  readonly status?: number;
  readonly outcome: 'running' | 'completed' | 'failed' | 'aborted';
  readonly abortedAtToken?: number;
  readonly producedTokens: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly completionTokens: number;
  readonly reasoningTokens: number;
}

export const truth = async (system: RunningSystem): Promise<TruthCall[]> => {
  const answer = (await (await fetch(`${system.sandboxUrl}/truth`)).json()) as { dropped: number; calls: TruthCall[] };
  if (answer.dropped > 0) throw new Error(`the truth log dropped ${answer.dropped} calls`);
  return answer.calls;
};

export const forgetTruth = async (system: RunningSystem): Promise<void> => {
  await fetch(`${system.sandboxUrl}/truth`, { method: 'DELETE' });
};

export interface TokenPrice {
  readonly input: bigint;
  readonly cacheRead: bigint;
  readonly output: bigint;
}

const TOKENS_PER_PRICE = 1_000_000n;

const picodollarsPerToken = (usdPerMillion: string): bigint => {
  const pico = parseUsd(usdPerMillion);
  if (pico === undefined || pico % TOKENS_PER_PRICE !== 0n)
    throw new Error(`no whole picodollars per token: ${usdPerMillion}`);
  return pico / TOKENS_PER_PRICE;
};

/** Of models that are billed by the token: by model id as the sandbox itself lists them, and by that without the prefix, which is how models are called in most dialects. */
export const sandboxPrices = async (system: RunningSystem): Promise<ReadonlyMap<string, TokenPrice>> => {
  const { data } = (await (await fetch(`${system.sandboxUrl}/v1/models`)).json()) as {
    data: { id: string; price: { input: string; output: string; cacheRead?: string } }[];
  };
  return new Map(
    data.flatMap(({ id, price: { input, output, cacheRead } }) => {
      if (cacheRead === undefined) return [];
      const perToken = {
        input: picodollarsPerToken(input),
        output: picodollarsPerToken(output),
        cacheRead: picodollarsPerToken(cacheRead),
      };
      return [[id, perToken] as const, [id.replace(/^sandbox\//, ''), perToken] as const];
    }),
  );
};

/** Tokens × price. */
export const billOf = (
  {
    promptTokens,
    cachedTokens,
    completionTokens,
  }: Pick<TruthCall, 'promptTokens' | 'cachedTokens' | 'completionTokens'>,
  price: TokenPrice,
): bigint =>
  BigInt(promptTokens - cachedTokens) * price.input +
  BigInt(cachedTokens) * price.cacheRead +
  BigInt(completionTokens) * price.output;
