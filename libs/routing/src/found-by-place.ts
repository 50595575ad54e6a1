// What a board knows of an endpoint or a credential, found without hashing its id: for a plan over thousands of endpoints that alone would be a quarter of the time.
// Invariant: what is found is what the map has. The id is compared, so that a place of another index finds nothing wrong; and whoever takes something out of the map forgets.

export interface FoundByPlace<Value> {
  /** @param place of the route that asks, in its index; undefined: the id is looked up */
  find(id: string, place: number | undefined): Value | undefined;
  /** To be called when something left the map. */
  forget(): void;
}

export const findByPlace = <Value>(map: ReadonlyMap<string, Value>): FoundByPlace<Value> => {
  let ids: (string | undefined)[] = [];
  let values: (Value | undefined)[] = [];
  return {
    find(id, place) {
      if (place === undefined) return map.get(id);
      // The same text in the same object mostly, so that this compares two addresses.
      if (ids[place] === id) return values[place];
      const value = map.get(id);
      if (value === undefined) return undefined;
      ids[place] = id;
      values[place] = value;
      return value;
    },
    forget() {
      ids = [];
      values = [];
    },
  };
};
