// The environment of the end-to-end tests. The only file here that reads it.

/** Repeats a run: the seed that a failing one printed. */
export const seedOfEnvironment = (): number | undefined => {
  const text = process.env['WAYSTATION_E2E_SEED'];
  return text === undefined || text === '' ? undefined : Number(text);
};

export const shapeOfEnvironment = (): 'split' | 'fused' =>
  process.env['WAYSTATION_E2E_SHAPE'] === 'fused' ? 'fused' : 'split';

export const timeScaleOfEnvironment = (): number => Number(process.env['WAYSTATION_E2E_TIME_SCALE'] ?? '0.1');
