// `npm run mutations`: plants each fault of the list in a throw-away copy of the tree, runs the test that must catch it, and prints who caught what. Exit 1 where a
// fault survives, or can no longer be planted. `--only WORD` takes those whose name holds the word; `--document` writes docs/MUTATIONS.md and runs nothing.
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { repositoryRoot } from '../../libs/testing/src/servers/paths.ts';
import { chownForPostgres, startPostgres } from '../../libs/testing/src/servers/postgres-server.ts';
import type { PostgresServer } from '../../libs/testing/src/servers/postgres-server.ts';
import { copyTree } from './copy-tree.ts';
import { DOCUMENT, describeMutations } from './describe-mutations.ts';
import { MUTATIONS } from './mutations.ts';
import type { Mutation } from './mutations.ts';
import { runTests } from './run-tests.ts';

const { values: options } = parseArgs({ options: { only: { type: 'string' }, document: { type: 'boolean' } } });

if (options.document === true) {
  await writeFile(path.join(repositoryRoot, DOCUMENT), await describeMutations(MUTATIONS, repositoryRoot));
  console.log(`${DOCUMENT}: ${MUTATIONS.length} faults`);
} else {
  const wanted = MUTATIONS.filter(({ name }) => options.only === undefined || name.includes(options.only));
  process.exitCode = wanted.length > 0 && (await surviving(wanted)) === 0 ? 0 : 1;
}

/** How many of these were not caught. */
async function surviving(mutations: readonly Mutation[]): Promise<number> {
  const folder = await mkdtemp(path.join(tmpdir(), 'waystation-mutations-'));
  await chmod(folder, 0o711);
  let postgres: PostgresServer | undefined;
  try {
    const tree = path.join(folder, 'tree');
    await copyTree(repositoryRoot, tree);
    await chownForPostgres(folder);
    postgres = await startPostgres({
      dataDir: path.join(folder, 'postgres'),
      password: randomBytes(16).toString('hex'),
      logFile: path.join(folder, 'postgres.log'),
      durable: false,
    });
    const env = { ...process.env, NO_COLOR: '1', WAYSTATION_TEST_POSTGRES_URL: postgres.adminUrl };
    let survived = await failingWithoutFault(tree, mutations, env);
    for (const mutation of mutations) if (!(await isCaught(tree, mutation, env))) survived += 1;
    console.log(`${mutations.length} faults, ${survived === 0 ? 'all caught' : `${survived} problems`}`);
    return survived;
  } finally {
    await postgres?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** A test that fails anyway catches nothing. */
async function failingWithoutFault(
  tree: string,
  mutations: readonly Mutation[],
  env: NodeJS.ProcessEnv,
): Promise<number> {
  let missing = 0;
  const byFile = Map.groupBy(mutations, ({ caughtBy }) => caughtBy.file);
  for (const [file, each] of byFile) {
    const titles = [...new Set(each.map(({ caughtBy }) => caughtBy.test))];
    const { passed, failed, why } = await runTests(tree, file, titles, env);
    const silent = titles.filter((title) => !passed.some((name) => name.includes(title)));
    for (const title of [...failed, ...silent]) console.log(`✗ without any fault  ${file}: ${title}  ${why ?? ''}`);
    missing += failed.length + silent.length;
  }
  return missing;
}

async function isCaught(tree: string, mutation: Mutation, env: NodeJS.ProcessEnv): Promise<boolean> {
  const { name, file, text, fault, caughtBy } = mutation;
  const place = path.join(tree, file);
  const before = await readFile(place, 'utf8');
  if (before.split(text).length !== 2) {
    console.log(`✗ ${name}  its text does not stand in ${file} exactly once`);
    return false;
  }
  const began = performance.now();
  await writeFile(
    place,
    before.replace(text, () => fault),
  );
  try {
    const { failed, why } = await runTests(tree, caughtBy.file, [caughtBy.test], env);
    const caught = failed.some((title) => title.includes(caughtBy.test));
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    const by = caught
      ? `${path.basename(caughtBy.file)}: ${caughtBy.test}`
      : `NOT CAUGHT by ${caughtBy.file}: ${caughtBy.test}`;
    console.log(`${caught ? '✓' : '✗'} ${name.padEnd(42)} ${seconds.padStart(6)} s   ${by}\n    ${why ?? ''}`);
    return caught;
  } finally {
    await writeFile(place, before);
  }
}
