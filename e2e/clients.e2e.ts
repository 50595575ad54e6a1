// Official SDKs, unchanged, against the running system: each feature of each client through each upstream dialect of the sandbox. The matrix is printed at the end.
import { CLIENTS, UPSTREAMS, type Client, type Feature, type Upstream } from './clients/matrix.ts';
import { judge } from './clients/questions.ts';
import { cellOf, runClients, type Cells } from './clients/run-clients.ts';
import { tableOf, type Mark } from './clients/table.ts';
import { shapeOfEnvironment } from './config.ts';
import { useSystem } from './support/use-system.ts';

const MATRIX_TIMEOUT_MS = 240_000;

const system = useSystem(() => ({ timeScale: 0.5 }));

let cells: Cells = new Map();
beforeAll(async () => {
  cells = await runClients(system());
}, MATRIX_TIMEOUT_MS);

/** What is wrong with a cell; undefined where it is right. */
const faultOf = (client: Client, feature: Feature, upstream: Upstream): string | undefined => {
  const outcome = cellOf(cells, client, feature, upstream);
  if (outcome === undefined) return undefined;
  if (outcome.told === undefined) return outcome.error;
  try {
    judge(feature.kind, outcome.told, feature.streamed === true);
    return undefined;
  } catch (error) {
    return `${String(error)}\nit told ${JSON.stringify(outcome.told)}`;
  }
};

const markOf = (client: Client, feature: Feature, upstream: Upstream): Mark => {
  if (cellOf(cells, client, feature, upstream) === undefined) return '–';
  return faultOf(client, feature, upstream) === undefined ? '✓' : '✗';
};

afterAll(() => {
  process.stdout.write(`\nclients, ${shapeOfEnvironment()}:\n${tableOf(markOf)}\n`);
});

for (const client of CLIENTS) {
  describe(client.name, () => {
    for (const feature of client.features) {
      test(`${feature.name} works through every upstream dialect that is there`, () => {
        const faults = UPSTREAMS.map((upstream) => ({
          upstream: upstream.dialect,
          fault: faultOf(client, feature, upstream),
        }));
        const told = faults.flatMap(({ upstream, fault }) => (fault === undefined ? [] : [`${upstream}: ${fault}`]));
        expect(told.join('\n\n')).toBe('');
      });
    }
  });
}

test('the first dialect of each route is there, so that the matrix is not empty', () => {
  const [first] = UPSTREAMS;
  if (first === undefined) throw new Error('no upstream');
  for (const client of CLIENTS.filter(({ file }) => file !== 'cohere'))
    expect(client.features.some((feature) => cellOf(cells, client, feature, first) !== undefined)).toBe(true);
});
