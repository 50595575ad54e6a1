import { WaystationError, type ErrorCode } from '@waystation/contracts';
import { nextStep } from './next-step.js';

describe('nextStep', () => {
  it.each<[ErrorCode, ReturnType<typeof nextStep>]>([
    ['provider_unavailable', 'next-endpoint'],
    ['provider_rate_limited', 'next-endpoint'],
    ['provider_timeout', 'next-endpoint'],
    ['provider_auth', 'next-endpoint'],
    ['provider_rejected', 'next-endpoint'],
    ['context_length_exceeded', 'next-endpoint'],
    ['worker_lost', 'next-endpoint'],
    ['worker_busy', 'same-endpoint'],
    ['accept_timeout', 'same-endpoint'],
    ['shutting_down', 'same-endpoint'],
    ['overloaded', 'same-endpoint'],
    ['invalid_request', 'stop'],
    ['cancelled', 'stop'],
    ['deadline_exceeded', 'stop'],
    ['bus_unavailable', 'stop'],
  ])('after %s is %s', (code, step) => {
    expect(nextStep(new WaystationError(code, 'x'))).toBe(step);
  });
});
