// The header by which a client names the task itself: the classifier is not asked then.
import { WaystationError } from '@waystation/contracts';

const TASK = /^[a-z0-9]+(-[a-z0-9]+)*$/;
const TASK_CHARACTERS_MAX = 64;

/** Any label that rules may know; an empty one says nothing. @throws WaystationError `invalid_request` */
export const readTaskHeader = (header: string | string[] | undefined): string | undefined => {
  const task = (Array.isArray(header) ? header[0] : header)?.trim().toLowerCase();
  if (task === undefined || task === '') return undefined;
  if (task.length > TASK_CHARACTERS_MAX || !TASK.test(task))
    throw new WaystationError(
      'invalid_request',
      `X-Waystation-Task: Expected a label of letters, digits and dashes (at most ${TASK_CHARACTERS_MAX}), such as code or long-text, received ${JSON.stringify(task.slice(0, 80))}`,
      { details: { field: 'X-Waystation-Task' } },
    );
  return task;
};
