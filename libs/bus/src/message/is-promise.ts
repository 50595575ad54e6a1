// A handler may answer at once or later. Asked by shape: a promise of another realm or library is one, too.

export const isPromise = (value: unknown): value is Promise<unknown> =>
  value !== null && typeof value === 'object' && 'then' in value && typeof value.then === 'function';
