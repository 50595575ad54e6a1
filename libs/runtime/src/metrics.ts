// Metrics are preallocated cells, bumped on the hot path and read when scraped. prom-client renders them.
import { Counter, Gauge, Registry, collectDefaultMetrics, type Metric } from 'prom-client';

/** A number in memory: `cell.value += 1` is the whole cost on the hot path. */
export interface Cell {
  value: number;
}

export interface Metrics {
  readonly registry: Registry;
  /** A counter with fixed labels. The same name with other labels shares the metric. */
  counter(name: string, help: string, labels?: Record<string, string>): Cell;
  gauge(name: string, help: string, read: () => number, labels?: Record<string, string>): void;
  /** A histogram cell; `observe` is a binary search over the bounds. Bounds ascending, in the unit of the name. */
  histogram(
    name: string,
    help: string,
    bounds: readonly number[],
    labels?: Record<string, string>,
  ): { observe(value: number): void };
}

export const createMetrics = (): Metrics => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const counters = new Map<
    string,
    { metric: Counter; cells: { labels: Record<string, string>; cell: Cell; told: number }[] }
  >();
  const gauges = new Map<string, { labels: Record<string, string>; read: () => number }[]>();
  const histograms = new Map<string, HistogramCell[]>();

  return {
    registry,
    counter(name, help, labels = {}) {
      let entry = counters.get(name);
      if (entry === undefined) {
        const cells: { labels: Record<string, string>; cell: Cell; told: number }[] = [];
        const metric = new Counter({
          name,
          help,
          labelNames: Object.keys(labels),
          registers: [registry],
          collect() {
            for (const each of cells) {
              this.inc(each.labels, each.cell.value - each.told);
              each.told = each.cell.value;
            }
          },
        });
        entry = { metric, cells };
        counters.set(name, entry);
      }
      const cell: Cell = { value: 0 };
      entry.cells.push({ labels, cell, told: 0 });
      return cell;
    },
    gauge(name, help, read, labels = {}) {
      let readers = gauges.get(name);
      if (readers === undefined) {
        const list: { labels: Record<string, string>; read: () => number }[] = [];
        new Gauge({
          name,
          help,
          labelNames: Object.keys(labels),
          registers: [registry],
          collect() {
            for (const each of list) this.set(each.labels, each.read());
          },
        });
        readers = list;
        gauges.set(name, list);
      }
      readers.push({ labels, read });
    },
    histogram(name, help, bounds, labels = {}) {
      let cells = histograms.get(name);
      if (cells === undefined) {
        cells = [];
        histograms.set(name, cells);
        registry.registerMetric(histogramMetric(name, help, cells));
      }
      const key = JSON.stringify(labels);
      let cell = cells.find((each) => each.key === key);
      if (cell === undefined) {
        cell = new HistogramCell(key, labels, bounds);
        cells.push(cell);
      }
      return cell;
    },
  };
};

/** Counts by bound, in memory. prom-client's own histogram validates and hashes its labels on every observation. */
class HistogramCell {
  readonly key: string;
  readonly labels: Record<string, string>;
  readonly bounds: readonly number[];
  /** How many fell at or under each bound and above the one before; the last for those above all. */
  readonly counts: number[];
  sum = 0;

  constructor(key: string, labels: Record<string, string>, bounds: readonly number[]) {
    this.key = key;
    this.labels = labels;
    this.bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    let low = 0;
    let high = this.bounds.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (value <= (this.bounds[middle] ?? Number.POSITIVE_INFINITY)) high = middle;
      else low = middle + 1;
    }
    this.counts[low] = (this.counts[low] ?? 0) + 1;
    this.sum += value;
  }
}

/** What prom-client's registry asks of a metric when it is scraped. */
const histogramMetric = (name: string, help: string, cells: readonly HistogramCell[]): Metric => {
  const get = () => {
    const values = cells.flatMap(({ labels, bounds, counts, sum }) => {
      let below = 0;
      const buckets = counts.map((count, index) => {
        below += count;
        return { labels: { le: bounds[index] ?? '+Inf', ...labels }, value: below, metricName: `${name}_bucket` };
      });
      return [
        ...buckets,
        { labels, value: sum, metricName: `${name}_sum` },
        { labels, value: below, metricName: `${name}_count` },
      ];
    });
    return Promise.resolve({ name, help, type: 'histogram', aggregator: 'sum', values });
  };
  // The registry reads a metric's name and calls `get`, and nothing else of its class.
  return { name, help, type: 'histogram', get } as unknown as Metric;
};
