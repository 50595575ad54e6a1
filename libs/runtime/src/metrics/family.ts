// The cells of one metric by the values of its labels, found without allocating anything: a map below a map for each label.
// Invariant: never more than `most` combinations, and those in which every open label is `other`.
import type { MetricRow } from './metric-table.js';

/** Stands for all values that came when there was no room for more. */
export const OTHER = 'other';

interface Node<Item> {
  readonly below: Map<string, Node<Item>>;
  item: Item | undefined;
}

const newNode = <Item>(): Node<Item> => ({ below: new Map(), item: undefined });

export type Labels = Readonly<Record<string, string>>;

export class Family<Item> {
  readonly #names: readonly string[];
  readonly #isOpen: readonly boolean[];
  readonly #most: number;
  readonly #make: (labels: Labels) => Item;
  readonly #root = newNode<Item>();
  /** Found last: one after the other they are often the same. */
  readonly #last: { a: string; b: string; c: string; d: string; e: string; item: Item | undefined };
  readonly all: { readonly labels: Labels; readonly item: Item }[] = [];

  constructor(row: MetricRow, make: (labels: Labels) => Item) {
    this.#names = row.labels ?? [];
    this.#isOpen = this.#names.map((name) => row.open?.includes(name) === true);
    this.#most = row.most ?? Number.POSITIVE_INFINITY;
    this.#make = make;
    this.#last = { a: '', b: '', c: '', d: '', e: '', item: undefined };
  }

  /** Values in the order of the table's labels. */
  at(a = '', b = '', c = '', d = '', e = ''): Item {
    const last = this.#last;
    if (last.item !== undefined && last.a === a && last.b === b && last.c === c && last.d === d && last.e === e)
      return last.item;
    const { length } = this.#names;
    let node: Node<Item> | undefined = this.#root;
    if (length > 0) node = node.below.get(a);
    if (length > 1) node = node?.below.get(b);
    if (length > 2) node = node?.below.get(c);
    if (length > 3) node = node?.below.get(d);
    if (length > 4) node = node?.below.get(e);
    const item = node?.item ?? this.#add([a, b, c, d, e].slice(0, length));
    last.a = a;
    last.b = b;
    last.c = c;
    last.d = d;
    last.e = e;
    last.item = item;
    return item;
  }

  of(labels: Labels): Item {
    const [a, b, c, d, e] = this.#names.map((name) => labels[name] ?? '');
    return this.at(a, b, c, d, e);
  }

  #add(wanted: readonly string[]): Item {
    const isFull = this.all.length >= this.#most;
    const values = isFull ? wanted.map((value, index) => (this.#isOpen[index] === true ? OTHER : value)) : wanted;
    let node = this.#root;
    for (const value of values) {
      const next = node.below.get(value) ?? newNode<Item>();
      node.below.set(value, next);
      node = next;
    }
    if (node.item === undefined) {
      const labels = Object.fromEntries(values.map((value, index) => [this.#names[index] ?? '', value]));
      node.item = this.#make(labels);
      this.all.push({ labels, item: node.item });
    }
    return node.item;
  }
}
