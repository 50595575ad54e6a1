// How a process is, for people: its conditions and what its apps have to show, as a page without scripts or as JSON. On the internal port; names and counts, no secrets.
import type { Health, StatusRow } from './health.js';

export interface ProcessStatus {
  readonly service: string;
  readonly release: string;
  readonly ready: boolean;
  readonly upSeconds: number;
  readonly conditions: readonly StatusRow[];
  readonly shown: Readonly<Record<string, readonly StatusRow[]>>;
}

export const statusOf = (health: Health, { service, release }: { service: string; release: string }): ProcessStatus => {
  const { ready, checks } = health.report();
  return {
    service,
    release,
    ready,
    upSeconds: Math.floor(process.uptime()),
    conditions: Object.entries(checks).map(([condition, { ok, detail }]) => ({ condition, ok, why: detail ?? '' })),
    shown: health.shown(),
  };
};

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escape = (value: unknown): string => String(value).replaceAll(/[&<>"]/g, (each) => ESCAPES[each] ?? each);

const table = (rows: readonly StatusRow[]): string => {
  const [first] = rows;
  if (first === undefined) return '<p>none</p>';
  const names = Object.keys(first);
  const cells = (tag: string, values: readonly unknown[]): string =>
    `<tr>${values.map((value) => `<${tag}>${escape(value)}</${tag}>`).join('')}</tr>`;
  return `<table>${cells('th', names)}${rows
    .map((row) =>
      cells(
        'td',
        names.map((name) => row[name] ?? ''),
      ),
    )
    .join('')}</table>`;
};

const STYLE =
  'body{font:15px/1.5 system-ui,sans-serif;margin:2rem;max-width:70rem}table{border-collapse:collapse}td,th{text-align:left;padding:.15rem 1rem .15rem 0;border-bottom:1px solid #8884}';

export const statusPage = (status: ProcessStatus): string => {
  const { service, release, ready, upSeconds, conditions, shown } = status;
  const title = `${service}: ${ready ? 'ready' : 'not ready'}`;
  const sections = Object.entries(shown).map(([name, rows]) => `<h2>${escape(name)}</h2>${table(rows)}`);
  return `<!doctype html><meta charset="utf-8"><title>${escape(title)}</title><style>${STYLE}</style><h1>${escape(title)}</h1><p>release ${escape(release)}, up for ${upSeconds} s</p><h2>conditions</h2>${table(conditions)}${sections.join('')}\n`;
};
