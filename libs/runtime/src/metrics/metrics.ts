// Metrics are preallocated cells, bumped on the hot path and read when scraped. prom-client renders them, as Prometheus' text or, where the scraper asks for it, as
// OpenMetrics, which has exemplars: traces that explain a bucket. Names, labels and bounds are those of the table.
import { Registry, collectDefaultMetrics, type Metric, type OpenMetricsContentType } from 'prom-client';
import { HistogramCell, UsdCell, type Cell } from './cells.js';
import { Family, type Labels } from './family.js';
import { METRIC_TABLE, type MetricRow, type MetricTable, type MetricType } from './metric-table.js';

type NameOf<Table extends MetricTable, Type extends MetricType> = {
  [Name in keyof Table]: Table[Name]['type'] extends Type ? Name : never;
}[keyof Table] &
  string;
type LabelOf<Row extends MetricRow> = Row extends { readonly labels: readonly (infer Label extends string)[] }
  ? Label
  : never;
/** Left out where the metric has none. */
type LabelsArgument<Row extends MetricRow> = [LabelOf<Row>] extends [never]
  ? []
  : [labels: Readonly<Record<LabelOf<Row>, string>>];

/** Cells by the values of labels that are not known beforehand. Values in the order of the table. */
export interface CellsBy<Item> {
  at(a?: string, b?: string, c?: string, d?: string, e?: string): Item;
}

export interface MetricsOf<Table extends MetricTable> {
  /** As Prometheus' text. */
  readonly registry: Registry;
  /** As OpenMetrics, with exemplars. */
  readonly openMetrics: Registry<OpenMetricsContentType>;
  /** Of every line. */
  setDefaultLabels(labels: Labels): void;
  /** A counter with fixed labels. The same name with other labels shares the metric, with the same the cell. */
  counter<Name extends NameOf<Table, 'counter'>>(name: Name, ...labels: LabelsArgument<Table[Name]>): Cell;
  counterBy(name: NameOf<Table, 'counter'>): CellsBy<Cell>;
  usdBy(name: NameOf<Table, 'counter'>): CellsBy<UsdCell>;
  gauge<Name extends NameOf<Table, 'gauge'>>(
    name: Name,
    read: () => number,
    ...labels: LabelsArgument<Table[Name]>
  ): void;
  /** Whose labels are known only when it is scraped: values in the order of the table, then the number. */
  gaugesBy(name: NameOf<Table, 'gauge'>, read: () => Iterable<readonly [...string[], number]>): void;
  histogram<Name extends NameOf<Table, 'histogram'>>(name: Name, ...labels: LabelsArgument<Table[Name]>): HistogramCell;
  histogramBy(name: NameOf<Table, 'histogram'>): CellsBy<HistogramCell>;
}

export type Metrics = MetricsOf<typeof METRIC_TABLE>;

interface Sample {
  readonly labels: Labels;
  readonly value: number;
  readonly metricName?: string;
  readonly exemplar?: object;
}

/** A metric of prom-client itself, as it is and not as it is declared. */
interface DefaultMetric {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  get(): Promise<{ readonly values: Sample[] }>;
}

/** What prom-client's registries ask of a metric when they are scraped: its name, and `get`. OpenMetrics names a counter without its `_total`. */
const metricFor = (name: string, help: string, type: MetricType, read: () => Promise<Sample[]> | Sample[]): Metric =>
  ({
    name,
    help,
    type,
    get: async () => ({ name, help, type, aggregator: 'sum', values: await read() }),
  }) as unknown as Metric;

const openName = (name: string, type: string): string => (type === 'counter' ? name.replace(/_total$/, '') : name);

/** What is made here is made once, and read by both registries. */
export const createMetricsOf = <Table extends MetricTable>(table: Table): MetricsOf<Table> => {
  const registry = new Registry();
  const openMetrics = new Registry<OpenMetricsContentType>();
  openMetrics.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  collectDefaultMetrics({ register: registry });
  for (const metric of registry.getMetricsAsArray() as unknown as DefaultMetric[]) {
    const { name, help, type } = metric;
    openMetrics.registerMetric(
      metricFor(openName(name, type), help, type, () => metric.get().then(({ values }) => values)),
    );
  }
  const families = new Map<string, Family<unknown>>();

  const register = (name: string, { help, type }: MetricRow, read: () => Sample[]): void => {
    registry.registerMetric(metricFor(name, help, type, read));
    openMetrics.registerMetric(metricFor(openName(name, type), help, type, read));
  };
  const familyOf = <Item>(
    name: string,
    make: (row: MetricRow) => Item,
    samplesOf: (name: string, labels: Labels, item: Item) => Sample[],
  ): Family<Item> => {
    const known = families.get(name);
    // Of one name there is one kind of item: its method says which.
    if (known !== undefined) return known as Family<Item>;
    const row = table[name];
    if (row === undefined) throw new Error(`${name} has no line in the table of metrics (metric-table.ts)`);
    const family = new Family(row, () => make(row));
    families.set(name, family as Family<unknown>);
    register(name, row, () => family.all.flatMap(({ labels, item }) => samplesOf(name, labels, item)));
    return family;
  };
  const counters = (name: string): Family<Cell> => familyOf(name, () => ({ value: 0 }), valueSample);
  const histograms = (name: string): Family<HistogramCell> =>
    familyOf(name, ({ bounds = [] }) => new HistogramCell(bounds), bucketSamples);

  return {
    registry,
    openMetrics,
    setDefaultLabels(labels) {
      registry.setDefaultLabels(labels);
      openMetrics.setDefaultLabels(labels);
    },
    counter: (name, ...[labels = {}]) => counters(name).of(labels),
    counterBy: counters,
    usdBy: (name) => familyOf(name, () => new UsdCell(), valueSample),
    gauge(name, read, ...[labels = {}]) {
      familyOf<{ read?: () => number }>(
        name,
        () => ({}),
        (_name, itsLabels, item) => [{ labels: itsLabels, value: item.read?.() ?? 0 }],
      ).of(labels).read = read;
    },
    gaugesBy(name, read) {
      const row = table[name];
      if (row === undefined) return;
      const { labels = [], most = Number.POSITIVE_INFINITY } = row;
      register(name, row, () =>
        [...read()].slice(0, most).map((told) => ({
          labels: Object.fromEntries(labels.map((label, index) => [label, String(told[index])])),
          value: Number(told.at(-1)),
        })),
      );
    },
    histogram: (name, ...[labels = {}]) => histograms(name).of(labels),
    histogramBy: histograms,
  };
};

const valueSample = (_name: string, labels: Labels, item: { readonly value: number }): Sample[] => [
  { labels, value: item.value },
];

const bucketSamples = (name: string, labels: Labels, { bounds, counts, exemplars, sum }: HistogramCell): Sample[] => {
  let below = 0;
  const buckets = counts.map((count, index): Sample => {
    below += count;
    const exemplar = exemplars[index];
    return {
      labels: { le: String(bounds[index] ?? '+Inf'), ...labels },
      value: below,
      metricName: `${name}_bucket`,
      ...(exemplar === undefined ? {} : { exemplar }),
    };
  });
  return [
    ...buckets,
    { labels, value: sum, metricName: `${name}_sum` },
    { labels, value: below, metricName: `${name}_count` },
  ];
};

export const createMetrics = (): Metrics => createMetricsOf(METRIC_TABLE);
