// The whole matrix as a table.
import { CLIENTS, UPSTREAMS, type Client, type Feature, type Upstream } from './matrix.ts';

/** Works, does not, is not there, does not depend on the upstream. */
export type Mark = '✓' | '✗' | '–' | '·';

export const tableOf = (markOf: (client: Client, feature: Feature, upstream: Upstream) => Mark): string => {
  const head = ['client', 'feature', ...UPSTREAMS.map(({ dialect }) => dialect)];
  const rows = CLIENTS.flatMap((client) =>
    client.features.map((feature) => [
      client.name,
      feature.name,
      ...UPSTREAMS.map((upstream) => markOf(client, feature, upstream)),
    ]),
  );
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row.map((word, column) => word.padEnd(widths[column] ?? 0)).join('  ');
  return [line(head), ...rows.map(line)].map((row) => row.trimEnd()).join('\n');
};
