// Model ids as clients write them. Routing variants (`:nitro`, `:floor`, `:exacto`) say how to sort and may stand on any id; catalogue variants
// (`:free`, …) are entries of their own and stay part of the id.

export type RoutingSort = 'price' | 'throughput' | 'latency' | 'exacto';

/** Service tiers that endpoints of their own may be for. */
export type EndpointTier = 'flex' | 'priority';

interface Variant {
  readonly sort: RoutingSort;
  /** The service tier whose endpoints may serve besides the standard ones. */
  readonly admits?: EndpointTier;
}

const VARIANTS: Readonly<Record<string, Variant>> = {
  nitro: { sort: 'throughput', admits: 'priority' },
  floor: { sort: 'price', admits: 'flex' },
  exacto: { sort: 'exacto' },
};

export interface ParsedModelId extends Partial<Variant> {
  /** The id as the catalog has it, catalogue variant included. */
  readonly id: string;
}

/** `author/slug:free:nitro` → `author/slug:free`, sorted by throughput. The last sorting variant wins. */
export const parseModelId = (text: string): ParsedModelId => {
  if (!text.includes(':')) return { id: text };
  const [base = '', ...suffixes] = text.split(':');
  let variant: Variant | undefined;
  const kept: string[] = [];
  for (const suffix of suffixes) {
    if (Object.hasOwn(VARIANTS, suffix)) variant = VARIANTS[suffix];
    else kept.push(suffix);
  }
  return { id: [base, ...kept].join(':'), ...variant };
};
