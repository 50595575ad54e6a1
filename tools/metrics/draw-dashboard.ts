// Draws a dashboard's panels as one SVG from what a real Prometheus answers to their queries: for pages, and to see that the queries say something. Not Grafana's picture, its questions.
// `node tools/metrics/draw-dashboard.ts --prometheus http://127.0.0.1:9090 --dashboard overview --minutes 10 > picture.svg`
import { parseArgs } from 'node:util';
import { DASHBOARDS } from './dashboards/dashboards.ts';
import type { Panel, Unit } from './dashboards/panel.ts';

const { values: options } = parseArgs({
  options: {
    prometheus: { type: 'string', default: 'http://127.0.0.1:9090' },
    dashboard: { type: 'string', default: 'overview' },
    minutes: { type: 'string', default: '10' },
  },
});
const POINTS = 80;
const COLUMN = 48;
const COLORS = ['#3274d9', '#e0b400', '#56a64b', '#c4162a', '#8f3bb8', '#ff780a', '#37872d', '#806eb7', '#444'];
const LINES_MAX = 9;
const LEGEND_COLUMNS = 3;

interface Line {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
}
interface Answer {
  readonly data: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>;
      readonly values: readonly (readonly [number, string])[];
    }[];
  };
}

const end = Math.floor(Date.now() / 1000);
const start = end - Number(options.minutes) * 60;
const step = Math.max(1, Math.floor((end - start) / POINTS));

/** Grafana's variables, as it would fill them in. */
const filled = (query: string): string =>
  query
    .replaceAll('$__rate_interval', '1m')
    .replaceAll('$__range', `${options.minutes}m`)
    .replaceAll(/"\$\w+"/g, '".*"');

const ask = async (legend: string, query: string): Promise<Line[]> => {
  const form = new URLSearchParams({
    query: filled(query),
    start: String(start),
    end: String(end),
    step: String(step),
  });
  const response = await fetch(`${options.prometheus}/api/v1/query_range`, { method: 'POST', body: form });
  if (!response.ok) throw new Error(`${query}: ${await response.text()}`);
  const { data } = (await response.json()) as Answer;
  return data.result.map(({ metric, values }) => ({
    name: legend.replaceAll(/\{\{(\w+)\}\}/g, (_all, label: string) => metric[label] ?? ''),
    points: values.map(([at, value]) => [at, Number(value)] as const).filter(([, value]) => Number.isFinite(value)),
  }));
};

const SCALES: Partial<Record<Unit, (value: number) => string>> = {
  s: (value) => (value < 1 ? `${(value * 1000).toPrecision(3)} ms` : `${value.toPrecision(3)} s`),
  bytes: (value) => `${(value / 1_048_576).toPrecision(3)} MiB`,
  Bps: (value) => `${(value / 1024).toPrecision(3)} KiB/s`,
  percentunit: (value) => `${(value * 100).toPrecision(3)} %`,
  reqps: (value) => `${value.toPrecision(3)} /s`,
  ops: (value) => `${value.toPrecision(3)} /s`,
  currencyUSD: (value) => `$${value.toPrecision(3)}`,
};
const show = (unit: Unit, value: number): string =>
  value === 0 ? '0' : (SCALES[unit] ?? ((each: number) => Number(each.toPrecision(3)).toString()))(value);

const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const text = (x: number, y: number, size: number, words: string, more = ''): string =>
  `<text x="${x}" y="${y}" font-size="${size}" ${more}>${escape(words)}</text>`;

const graph = (panel: Panel, lines: readonly Line[], width: number, height: number): string => {
  const top = Math.max(...lines.flatMap(({ points }) => points.map(([, value]) => value)), 0) || 1;
  const [left, right, above, below] = [58, width - 10, 30, height - 46];
  const x = (at: number): number => left + ((at - start) / (end - start)) * (right - left);
  const y = (value: number): number => below - (value / top) * (below - above);
  const shown = lines.slice(0, LINES_MAX);
  return [
    ...[0, 0.5, 1].map((share) => {
      const at = below - share * (below - above);
      return `<line x1="${left}" y1="${at}" x2="${right}" y2="${at}" stroke="#8884"/>${text(left - 5, at + 3, 9, show(panel.unit, share * top), 'text-anchor="end" fill="#777"')}`;
    }),
    ...shown.map(
      ({ points }, index) =>
        `<polyline fill="none" stroke="${COLORS[index] ?? '#000'}" stroke-width="1.4" points="${points.map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(' ')}"/>`,
    ),
    ...shown.map(({ name }, index) => {
      const at = left - 46 + (index % LEGEND_COLUMNS) * ((width - 16) / LEGEND_COLUMNS);
      return text(
        at,
        height - 31 + Math.floor(index / LEGEND_COLUMNS) * 11,
        9,
        name.slice(0, 24),
        `fill="${COLORS[index] ?? '#000'}"`,
      );
    }),
  ].join('');
};

const panelSvg = async (panel: Panel, x: number, y: number, width: number, height: number): Promise<string> => {
  const lines = (await Promise.all(Object.entries(panel.queries).map(([legend, query]) => ask(legend, query)))).flat();
  const last = lines.find(({ points }) => points.length > 0)?.points.at(-1)?.[1];
  const inside =
    panel.kind === 'stat'
      ? text(
          width / 2,
          height / 2 + 16,
          22,
          last === undefined ? 'no data' : show(panel.unit, last),
          'text-anchor="middle" fill="#3274d9"',
        )
      : panel.kind === 'table'
        ? text(12, 48, 10, `${lines.length} rows`, 'fill="#777"')
        : lines.length === 0
          ? text(width / 2, height / 2, 11, 'no data', 'text-anchor="middle" fill="#777"')
          : graph(panel, lines, width, height);
  return `<g transform="translate(${x} ${y})"><rect width="${width - 6}" height="${height - 6}" rx="3" fill="#fff" stroke="#ccc"/>${text(10, 18, 12, panel.title, 'font-weight="600"')}${inside}</g>`;
};

const dashboard = DASHBOARDS[options.dashboard];
if (dashboard === undefined) throw new Error(`there are ${Object.keys(DASHBOARDS).join(', ')}`);
const parts: string[] = [];
let y = 40;
for (const [heading, panels] of Object.entries(dashboard.rows)) {
  parts.push(text(8, y + 14, 13, heading, 'font-weight="600" fill="#555"'));
  y += 24;
  let x = 0;
  let tallest = 0;
  for (const panel of panels) {
    const isStat = panel.kind === 'stat';
    const width = (panel.width ?? (isStat ? 4 : 8)) * COLUMN;
    const height = isStat ? 80 : 190;
    if (x + width > 24 * COLUMN) [x, y, tallest] = [0, y + tallest, 0];
    parts.push(await panelSvg(panel, x, y, width, height));
    x += width;
    tallest = Math.max(tallest, height);
  }
  y += tallest + 6;
}
const width = 24 * COLUMN;
process.stdout.write(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-6 0 ${width + 6} ${y}" font-family="system-ui, sans-serif"><rect x="-6" width="${width + 6}" height="${y}" fill="#f4f5f5"/>${text(4, 26, 16, dashboard.title, 'font-weight="700"')}${parts.join('')}</svg>\n`,
);
