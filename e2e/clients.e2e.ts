// Official SDKs, unchanged, against the running system: each feature of each client through each upstream dialect of the sandbox. The matrix is printed at the end.
import { rowOf, versionOf } from './clients/clients-document.ts';
import { programsOfGuide, runProgram } from './clients/guide.ts';
import {
  CLIENTS,
  CLIENTS_THAT_CHAT,
  DIALECTS_MIN,
  UPSTREAMS,
  upstreamsOf,
  type Client,
  type Feature,
  type Upstream,
} from './clients/matrix.ts';
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
  if (!upstreamsOf(feature).includes(upstream)) return '·';
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

describe('the guide', () => {
  const programs = programsOfGuide();
  test('has a program for each way in', () => expect(programs.length).toBeGreaterThanOrEqual(6));
  test.each(programs)('runs as it is written: $name', async (program) => {
    expect(await runProgram(program, system())).toContain('Say hello.');
  });
});

test('every client was asked something, each kind of answer through as many dialects as are there', () => {
  const there = UPSTREAMS.filter((upstream) =>
    CLIENTS.some((client) => client.features.some((feature) => cellOf(cells, client, feature, upstream) !== undefined)),
  );
  expect(there.length).toBeGreaterThanOrEqual(DIALECTS_MIN);
  const asked = CLIENTS.filter((client) =>
    there.every((upstream) =>
      client.features.some((feature) => cellOf(cells, client, feature, upstream) !== undefined),
    ),
  );
  expect(asked.map(({ name }) => name)).toEqual(expect.arrayContaining(CLIENTS_THAT_CHAT));
});

test('the table of compatibility has each client, its version, and all that it was tried with', () => {
  for (const { name, features } of CLIENTS) {
    const row = rowOf(name);
    expect(row).toContain(`| ${versionOf(name)} |`);
    for (const feature of features) expect(row).toContain(feature.name.replace(/, streamed$/, ''));
  }
});
