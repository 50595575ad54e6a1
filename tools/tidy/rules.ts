// The few rules that keep the shape of the project and that no other tool checks.
import { compose } from './rules/compose.ts';
import { environment } from './rules/environment.ts';
import { links } from './rules/links.ts';
import { lockfile } from './rules/lockfile.ts';
import { money } from './rules/money.ts';
import { exportAll, folderNames } from './rules/names.ts';
import { projects } from './rules/projects.ts';
import { providers } from './rules/providers.ts';
import { skippedTests } from './rules/skipped-tests.ts';
import { subjects } from './rules/subjects.ts';
import type { Finding, Rule, Tree } from './tree.ts';

const RULES: readonly Rule[] = [
  subjects,
  environment,
  money,
  providers,
  projects,
  links,
  folderNames,
  exportAll,
  lockfile,
  skippedTests,
  compose,
];

export const tidy = (tree: Tree): Finding[] => RULES.flatMap((rule) => rule(tree));
