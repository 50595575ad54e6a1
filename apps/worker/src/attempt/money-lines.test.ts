// The lines of a worker name what its attempt is charged by, as the plan says, so that each can be settled alone.
import { attemptBody, attemptRequest } from '../test-edge/attempt-request.js';
import { attemptFinishedLine, attemptStartedLine } from './money-lines.js';

test.each([75_000, undefined])('on top of the price both lines say %s, as the plan does', (surchargePpm) => {
  const request = attemptRequest(attemptBody());
  const rated = {
    ...request,
    attempt: { ...request.attempt, ...(surchargePpm === undefined ? {} : { surchargePpm }) },
  };
  const report = { usage: { input: 1 }, usageSource: 'provider' as const };
  const result = { outcome: 'completed' as const, report, durationMs: 1, totalBytes: 0 };
  const started = attemptStartedLine(rated, 'worker-1', 1);
  const finished = attemptFinishedLine(rated, 'worker-1', result, 1);
  expect([started.surchargePpm, finished.surchargePpm]).toEqual([surchargePpm, surchargePpm]);
});
