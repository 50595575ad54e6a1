// `node tools/tidy/main.ts`: one line per finding, exit 1 if there is any.
import { repositoryRoot } from '../../libs/testing/src/servers/paths.ts';
import { tidy } from './rules.ts';
import { treeOnDisk } from './tree.ts';

const findings = tidy(treeOnDisk(repositoryRoot));
for (const { rule, file, line, message } of findings)
  console.log(`${file}${line === undefined ? '' : `:${line}`}  ${message}  (${rule})`);
if (findings.length > 0) process.exitCode = 1;
