// A workspace that the operator suspends: nobody of it is served, each is told why, its top-ups stay open, and it is served again once it is resumed.
import type { RunningSystem } from '@waystation/testing';
import { ask, complete, say, type Answer } from '../support/ask.ts';
import { story } from '../support/story.ts';
import { until } from '../support/wait.ts';

const KNOWN_WITHIN_MS = 10_000;
const PATH = '/api/v1/workspaces/default/suspension';

export const suspension = (system: () => RunningSystem): void => {
  describe('suspension', () => {
    const manage = (method: string, path: string, body?: object): Promise<Answer> =>
      ask(system(), method, path, body, { key: system().managementKey });
    const answeredWith = (status: number): Promise<Answer> =>
      until(`completions are answered with ${status}`, KNOWN_WITHIN_MS, async () => {
        const answer = await complete(system(), say('served?'));
        return answer.status === status ? answer : undefined;
      });

    afterAll(async () => {
      await manage('PUT', PATH, { suspended: false, reason: 'the test is over' });
      await answeredWith(200);
    });

    story('refuses inference with the reason, leaves top-ups open, and ends when it is lifted', system, async () => {
      const reason = 'invoice 17 is unpaid';
      const put = await manage('PUT', PATH, { suspended: true, reason });
      expect([put.status, put.json.data]).toMatchObject([200, { suspended: true, by: 'operator', reason }]);
      const { json } = await answeredWith(403);
      expect(json.error.message).toBe(
        `This workspace is suspended: ${reason}. Only the operator of this station resumes it.`,
      );
      expect((await manage('GET', '/api/v1/keys')).status).toBe(403);
      expect((await manage('GET', '/api/v1/credits/topups')).status).toBe(200);
      expect((await manage('GET', PATH)).json.data).toMatchObject({ suspended: true, reason });
      const lifted = await manage('PUT', PATH, { suspended: false, reason: 'paid' });
      expect([lifted.status, lifted.json.data]).toMatchObject([200, { suspended: false, reason: null }]);
      await answeredWith(200);
    });
  });
};
