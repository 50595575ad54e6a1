// The little of Grafana's schema that the dashboards use. https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/

export type Unit = 's' | 'bytes' | 'percentunit' | 'reqps' | 'ops' | 'currencyUSD' | 'short' | 'Bps' | 'none';

export interface Panel {
  readonly title: string;
  readonly unit: Unit;
  /** Legend → PromQL. */
  readonly queries: Readonly<Record<string, string>>;
  /** `stat`: one number now. Default: a graph. */
  readonly kind?: 'stat' | 'table';
  /** Of 24. Default: 8, of a stat 4. */
  readonly width?: number;
  readonly says?: string;
}

/** A drop-down whose value queries name as `$name`. */
export interface Variable {
  readonly name: string;
  readonly label: string;
  /** `label_values(metric, label)` */
  readonly metric: string;
  readonly values: string;
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly variables?: readonly Variable[];
  /** A row of panels under each heading. */
  readonly rows: Readonly<Record<string, readonly Panel[]>>;
}

const PROMETHEUS = { type: 'prometheus', uid: 'prometheus' };
const COLUMNS = 24;
const GRAPH = { width: 8, height: 8 };
const STAT = { width: 4, height: 4 };
const TYPES = { stat: 'stat', table: 'table', graph: 'timeseries' } as const;

const panelJson = (panel: Panel, id: number, x: number, y: number): object => {
  const kind = panel.kind ?? 'graph';
  const { width, height } = sizeOf(panel);
  return {
    id,
    type: TYPES[kind],
    title: panel.title,
    ...(panel.says === undefined ? {} : { description: panel.says }),
    datasource: PROMETHEUS,
    gridPos: { x, y, w: width, h: height },
    fieldConfig: {
      defaults: {
        unit: panel.unit,
        ...(kind === 'graph' ? { min: 0, custom: { fillOpacity: 8, showPoints: 'never' } } : {}),
      },
      overrides: [],
    },
    options:
      kind === 'stat'
        ? { reduceOptions: { calcs: ['lastNotNull'] }, colorMode: 'value', graphMode: 'area' }
        : kind === 'table'
          ? { showHeader: true }
          : { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
    targets: Object.entries(panel.queries).map(([legend, expr], index) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + index),
      datasource: PROMETHEUS,
      expr,
      legendFormat: legend,
      exemplar: /_bucket/.test(expr),
      ...(kind === 'table' ? { format: 'table', instant: true } : {}),
    })),
  };
};

const sizeOf = ({ kind, width }: Panel): { width: number; height: number } => {
  const usual = kind === 'stat' ? STAT : GRAPH;
  return { width: width ?? usual.width, height: usual.height };
};

const panelsOf = (rows: Dashboard['rows']): object[] => {
  const made: object[] = [];
  let y = 0;
  for (const [heading, panels] of Object.entries(rows)) {
    made.push({
      id: made.length + 1,
      type: 'row',
      title: heading,
      collapsed: false,
      gridPos: { x: 0, y, w: COLUMNS, h: 1 },
      panels: [],
    });
    y += 1;
    let x = 0;
    let tallest = 0;
    for (const panel of panels) {
      const { width, height } = sizeOf(panel);
      if (x + width > COLUMNS) [x, y, tallest] = [0, y + tallest, 0];
      made.push(panelJson(panel, made.length + 1, x, y));
      x += width;
      tallest = Math.max(tallest, height);
    }
    y += tallest;
  }
  return made;
};

const variableJson = ({ name, label, metric, values }: Variable): object => ({
  name,
  label,
  type: 'query',
  datasource: PROMETHEUS,
  query: { query: `label_values(${metric}, ${values})`, refId: name },
  refresh: 2,
  sort: 1,
  includeAll: true,
  multi: true,
  current: { text: 'All', value: '$__all' },
});

export const dashboardJson = ({ uid, title, variables = [], rows }: Dashboard): object => ({
  uid,
  title,
  tags: ['waystation'],
  schemaVersion: 39,
  editable: true,
  timezone: 'browser',
  refresh: '30s',
  time: { from: 'now-1h', to: 'now' },
  links: [
    {
      type: 'dashboards',
      tags: ['waystation'],
      title: 'Waystation',
      asDropdown: true,
      includeVars: true,
      keepTime: true,
    },
  ],
  templating: { list: variables.map(variableJson) },
  panels: panelsOf(rows),
});
