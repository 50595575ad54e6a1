// An app of an older release that runs the migrations of a newer one: its `app.ts` with the newer list and nothing else changed. Pure.

const IMPORT = /^import \{[^}]*\} from '\.\/migrations\/[^']*';\n/gm;
const LIST = /^export const migrations: [^=]*= \[[^\]]*\];\n/m;

/** @throws Error where one of them does not look as ours do */
export const spliceMigrations = (older: string, newer: string): string => {
  const imports = newer.match(IMPORT) ?? [];
  const [list] = LIST.exec(newer) ?? [];
  if (list === undefined || imports.length === 0) throw new Error('the app.ts of here has no list of migrations');
  if (!LIST.test(older)) throw new Error('the app.ts of the older release has no list of migrations');
  const rest = older.replace(IMPORT, '').replace(LIST, () => list);
  return `${imports.join('')}${rest}`;
};

/** Tests of our migrations are ours: among those of the older release they would speak for it, and may need what it lacks. */
export const isTest = (file: string): boolean => /\.i?test\.ts$/.test(file);
