// Metrics are preallocated cells, bumped on the hot path and read when scraped. prom-client renders them.
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

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
  const histograms = new Map<string, Histogram>();

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
      let metric = histograms.get(name);
      if (metric === undefined) {
        metric = new Histogram({
          name,
          help,
          labelNames: Object.keys(labels),
          buckets: [...bounds],
          registers: [registry],
        });
        histograms.set(name, metric);
      }
      return metric.labels(labels);
    },
  };
};
