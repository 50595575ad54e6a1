// What an option of a command says, or the usage fault that tells what it must be.
import { UsageFault } from './command.ts';

/** Unix ms. */
export const timeOf = (option: string, text: string | undefined): number => {
  const time = Date.parse(text ?? '');
  if (Number.isNaN(time)) throw new UsageFault(`${option} must be an ISO 8601 time, not ${text ?? 'missing'}`);
  return time;
};

export const wholeNumber = (option: string, text: string, max: number): number => {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > max)
    throw new UsageFault(`${option} must be a whole number from 1 to ${max}, not ${text}`);
  return value;
};
