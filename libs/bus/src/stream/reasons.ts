// Why a stream was given up, as the error that its writer's signal carries.
import { WaystationError } from '@waystation/contracts';

export const CANCEL_REASONS = ['client-gone', 'given-up', 'passed-over', 'deadline', 'shutdown'] as const;
export type CancelReason = (typeof CANCEL_REASONS)[number];

export const cancelError = (reason: CancelReason): WaystationError => {
  switch (reason) {
    case 'client-gone':
      return new WaystationError('client_closed_request', 'The client closed its connection.');
    case 'given-up':
      return new WaystationError('cancelled', 'The caller gave this attempt up.');
    case 'passed-over':
      return new WaystationError('passed_over', 'The caller gave this attempt up before it had anything of it.');
    case 'deadline':
      return new WaystationError('deadline_exceeded', 'The deadline of the attempt passed.');
    case 'shutdown':
      return new WaystationError('shutting_down', 'The caller is shutting down.');
    default: {
      const never: never = reason;
      return never;
    }
  }
};
