// Gathers what one event-loop turn wants to send, so that a turn costs one message per stream and one socket write per connection.
// A task runs once per turn however often it was added; tasks added while the turn ends run in the next one.

export interface TurnTask {
  /** Set by the turn while the task waits in it. */
  waiting: boolean;
  atTurnEnd(): void;
}

export interface Turn {
  /** Runs the task when all ready events of this turn were handled. */
  add(task: TurnTask): void;
  /** Runs after all tasks of the turn: the connection's socket write. */
  addLast(task: TurnTask): void;
}

export const createTurn = (onError: (error: unknown) => void): Turn => {
  let tasks: TurnTask[] = [];
  let spare: TurnTask[] = [];
  let last: TurnTask | undefined;
  let scheduled = false;

  const run = (task: TurnTask): void => {
    task.waiting = false;
    try {
      task.atTurnEnd();
    } catch (error) {
      onError(error);
    }
  };
  const end = (): void => {
    const due = tasks;
    tasks = spare;
    scheduled = false;
    for (const task of due) run(task);
    due.length = 0;
    spare = due;
    if (last !== undefined) {
      const task = last;
      last = undefined;
      run(task);
    }
  };
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(end);
  };

  return {
    add(task) {
      if (task.waiting) return;
      task.waiting = true;
      tasks.push(task);
      schedule();
    },
    addLast(task) {
      if (task.waiting) return;
      task.waiting = true;
      last = task;
      schedule();
    },
  };
};
