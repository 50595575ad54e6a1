// `npm run config -- plan|apply|diff|export`: a station's settings as a file. Exit 0: all is well. 1: `diff` found that the station is not as the file says, or something was refused.
// 2: the file or the command line has a fault. 3: the station cannot be reached.
import { appendFile, chmod, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { RunFile } from '../../libs/testing/src/run-file.ts';
import { ApplyFault, applyPlan } from './apply-plan.ts';
import { ApiRefusal, managementApi, type ManagementApi } from './management-api.ts';
import { pathOf } from './path-of.ts';
import { planChanges, type Action, type Plan } from './plan.ts';
import { readStationFile, type StationFile } from './read-station-file.ts';
import { readStation, workspaceOfKey } from './read-station.ts';
import { renderStation } from './render-station.ts';
import { serverReaders } from './server-readers.ts';
import { SECTIONS, type FoundThing, type Section } from './station.ts';

const EXIT = { good: 0, differs: 1, usage: 2, away: 3 } as const;
const HELP = `npm run config -- plan   --file station.yaml [--prune]                  what would be done
npm run config -- apply  --file station.yaml [--prune] [--keys-file F]  does it; the texts of new keys go to F
npm run config -- diff   --file station.yaml                            what differs, and what is there that the file does not name: exit 1 if anything
npm run config -- export [--file station.yaml]                          what is there, as a file

The station and its management key are those of WAYSTATION_URL and WAYSTATION_MANAGEMENT_KEY, or of the system that npm start keeps in --data-dir (.waystation).
docs/guides/config-as-code.md says what a file may hold.`;

class Fault extends Error {
  override name = 'Fault';
  readonly exit: number;
  constructor(message: string, exit: number = EXIT.usage) {
    super(message);
    this.exit = exit;
  }
}

interface Station {
  readonly api: ManagementApi;
  readonly key: string;
  readonly workspace: string;
}

const openStation = async (dataDir: string): Promise<Station> => {
  const { WAYSTATION_URL: url, WAYSTATION_MANAGEMENT_KEY: key } = process.env;
  if ((url === undefined) !== (key === undefined))
    throw new Fault('WAYSTATION_URL and WAYSTATION_MANAGEMENT_KEY go together: set both or none');
  const at = url === undefined || key === undefined ? await ofRunFile(dataDir) : { url, key };
  const api = managementApi(at.url, at.key);
  return { api, key: at.key, workspace: await workspaceOfKey(api) };
};

const ofRunFile = async (dataDir: string): Promise<{ readonly url: string; readonly key: string }> => {
  const text = await readFile(path.join(dataDir, 'run.json'), 'utf8').catch(() => {
    throw new Fault(
      `no system runs in ${dataDir}: npm start it, name its folder with --data-dir, or set WAYSTATION_URL and WAYSTATION_MANAGEMENT_KEY`,
      EXIT.away,
    );
  });
  const { managementUrl, managementKey } = JSON.parse(text) as RunFile;
  return { url: managementUrl, key: managementKey };
};

const readFileOf = async (file: string): Promise<StationFile> => {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new Fault(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  });
  const read = readStationFile(file, text, process.env, await serverReaders());
  if ('faults' in read) throw new Fault(read.faults.join('\n'));
  return read;
};

const shown = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value));
const lineOf = (action: Action): string[] => {
  if (action.does === 'delete') return [`- ${action.found.section}  ${action.found.name}`];
  const { section, name } = action.thing;
  if (action.does === 'create') return [`+ ${section}  ${name}`];
  return [
    `~ ${section}  ${name}`,
    ...action.differences.map(({ setting, is, becomes }) => `    ${setting}: ${shown(is)} → ${shown(becomes)}`),
  ];
};
const strayLine = ({ section, name }: FoundThing): string =>
  `? ${section}  ${name}: is there, and the file does not name it`;

const planOf = async (
  file: StationFile,
  { api, key, workspace }: Station,
  prune: boolean,
): Promise<{ readonly plan: Plan; readonly found: FoundThing[] }> => {
  if (file.workspace !== undefined && file.workspace !== workspace)
    throw new Fault(
      `the file is for the workspace ${file.workspace}, the key acts in ${workspace}: give the key of the other`,
    );
  const { sections } = file.desired;
  const found = await readStation(
    api,
    workspace,
    key,
    new Set<Section>([...sections, ...(sections.has('guardrails') ? (['keys'] as const) : [])]),
  );
  const plan = planChanges(file.desired, found, { prune });
  if (plan.faults.length > 0)
    throw new Fault(
      plan.faults
        .map(({ thing, problem }) => `${file.placeOf(thing)}: ${thing.section} ${thing.name}: ${problem}`)
        .join('\n'),
    );
  return { plan, found };
};

const apply = async (
  file: StationFile,
  station: Station,
  prune: boolean,
  keysFile: string | undefined,
): Promise<void> => {
  const { plan, found } = await planOf(file, station, prune);
  const makesKeys = plan.actions.some((action) => action.does === 'create' && action.thing.section === 'keys');
  if (makesKeys && keysFile === undefined)
    throw new Fault('keys are made, and the text of a key is told once: say where it goes with --keys-file FILE');
  await applyPlan(plan, {
    ...{ api: station.api, workspace: station.workspace, found },
    saidOf: (thing) => file.saidOf.get(thing) ?? thing.settings,
    done: (action) => console.log(lineOf(action).join('\n')),
    async keepKey(name, text) {
      if (keysFile === undefined) return;
      await appendFile(keysFile, `${JSON.stringify({ name, key: text })}\n`, { mode: 0o600 });
      await chmod(keysFile, 0o600);
    },
  }).catch((error: unknown) => {
    if (!(error instanceof ApplyFault)) throw error;
    throw new Fault(refusedLine(file, error), EXIT.differs);
  });
  console.log(
    plan.actions.length === 0
      ? 'The station is as the file says; nothing was done.'
      : `${plan.actions.length} changes made.`,
  );
  for (const stray of plan.strays) console.log(strayLine(stray));
};

const refusedLine = (file: StationFile, { action, message }: ApplyFault): string => {
  if (action.does === 'delete') return `${action.found.section} ${action.found.name} was not deleted: ${message}`;
  const { at } = pathOf(message);
  const place = file.placeOf(action.thing, at[0] === 'provider' ? at.slice(1) : at);
  return `${place}: ${action.thing.section} ${action.thing.name}: ${message}\nWhat is above was done; plan says what is left.`;
};

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      file: { type: 'string' },
      prune: { type: 'boolean', default: false },
      'keys-file': { type: 'string' },
      'data-dir': { type: 'string', default: '.waystation' },
      help: { type: 'boolean', default: false },
    },
  });
  const [command, ...more] = positionals;
  if (values.help || command === 'help') {
    console.log(HELP);
    return EXIT.good;
  }
  if (command === undefined || more.length > 0 || !['plan', 'apply', 'diff', 'export'].includes(command))
    throw new Fault(HELP);
  const dataDir = path.resolve(values['data-dir']);
  if (command === 'export') return exportTo(await openStation(dataDir), values.file);
  if (values.file === undefined) throw new Fault(`${command}: say which file with --file`);
  const file = await readFileOf(values.file);
  const station = await openStation(dataDir);
  if (command === 'apply') {
    await apply(file, station, values.prune, values['keys-file']);
    return EXIT.good;
  }
  const { plan } = await planOf(file, station, values.prune);
  for (const action of plan.actions) console.log(lineOf(action).join('\n'));
  for (const stray of plan.strays) console.log(strayLine(stray));
  const same = plan.actions.length + plan.strays.length === 0;
  if (same) console.log('The station is as the file says.');
  return command === 'diff' && !same ? EXIT.differs : EXIT.good;
}

/** What the key may not see is left out. */
async function exportTo({ api, key, workspace }: Station, file: string | undefined): Promise<number> {
  const things: FoundThing[] = [];
  const seen: Section[] = [];
  for (const section of SECTIONS) {
    try {
      things.push(...(await readStation(api, workspace, key, new Set([section]))));
      seen.push(section);
    } catch (error) {
      if (!(error instanceof ApiRefusal) || error.status !== 403) throw error;
      console.error(`config: ${section} are left out: ${error.message}`);
    }
  }
  const text = renderStation(workspace, things, seen);
  if (file === undefined) process.stdout.write(text);
  else await writeFile(file, text);
  return EXIT.good;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const text = error instanceof Error ? error.message : String(error);
    console.error(
      text
        .split('\n')
        .map((line) => (error instanceof Fault ? line : `config: ${line}`))
        .join('\n'),
    );
    process.exitCode = error instanceof Fault ? error.exit : error instanceof ApiRefusal ? EXIT.differs : EXIT.away;
  },
);
