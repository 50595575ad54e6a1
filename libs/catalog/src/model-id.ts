// Model ids as clients write them. Routing variants (`:nitro`, `:floor`, `:exacto`) say how to sort and may stand on any id; catalogue variants
// (`:free`, …) are entries of their own and stay part of the id.

export type RoutingSort = 'price' | 'throughput' | 'latency' | 'exacto';

const SORT_OF_VARIANT: Readonly<Record<string, RoutingSort>> = {
  nitro: 'throughput',
  floor: 'price',
  exacto: 'exacto',
};

export interface ParsedModelId {
  /** The id as the catalog has it, catalogue variant included. */
  readonly id: string;
  /** The last sorting variant wins. */
  readonly sort?: RoutingSort;
}

/** `author/slug:free:nitro` → `author/slug:free`, sorted by throughput. */
export const parseModelId = (text: string): ParsedModelId => {
  if (!text.includes(':')) return { id: text };
  const [base = '', ...suffixes] = text.split(':');
  let sort: RoutingSort | undefined;
  const kept: string[] = [];
  for (const suffix of suffixes) {
    if (Object.hasOwn(SORT_OF_VARIANT, suffix)) sort = SORT_OF_VARIANT[suffix];
    else kept.push(suffix);
  }
  const id = [base, ...kept].join(':');
  return sort === undefined ? { id } : { id, sort };
};
