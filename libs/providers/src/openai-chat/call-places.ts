// Where a tool call of a stream belongs that came without its `index`: Mistral and Gemini's compatible API tell each call whole and number none.
// https://docs.mistral.ai/capabilities/function_calling, https://ai.google.dev/gemini-api/docs/openai
// Invariant: an id that was not seen before is a call of its own; a piece without an id goes on with the last call, but two pieces of one delta are two calls.

export class CallPlaces {
  readonly #byId = new Map<string, number>();
  #next = 0;
  #last = 0;

  /**
   * @param told the provider's own index, where it gave one
   * @param position in the delta or message
   */
  placeOf(told: number | undefined, id: string | undefined, position: number): number {
    const known = id === undefined ? position || this.#last : this.#byId.get(id);
    const place = told ?? known ?? this.#next;
    if (id !== undefined) this.#byId.set(id, place);
    this.#last = place;
    this.#next = Math.max(this.#next, place + 1);
    return place;
  }
}
