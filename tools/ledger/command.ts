// What a command of the operator is. Commands ask billing over the bus and print; they never touch the database.
import type { RpcContract } from '@waystation/contracts';

export interface Books {
  /** As the operator. The contract's principal and version are filled in. */
  ask<Request extends object, Reply>(
    contract: RpcContract<Request, Reply>,
    request: Omit<Request, 'v' | 'principal'>,
  ): Promise<Reply>;
  /** What the catalog says of the provider's names of models. */
  upstreamModels(provider: string): Promise<{ readonly upstreamModel: string; readonly model: string }[]>;
}

export interface Output {
  /** `--json` was asked for, and no file for documents: nothing else may go to standard output. */
  readonly onlyJson: boolean;
  /** A line for a person; left out where `--json` is asked for. */
  say(line: string): void;
  /** The whole answer, as one line of JSON; left out for people. */
  json(value: unknown): void;
  /** A document: to standard output, or to the file that `--out` names. */
  document(text: string): Promise<void>;
}

export interface CommandOption {
  readonly type: 'string' | 'boolean';
  readonly multiple?: boolean;
}

export interface Values {
  flag(name: string): boolean;
  text(name: string): string | undefined;
  texts(name: string): readonly string[];
}

export interface Command {
  readonly name: string;
  /** Words behind the name, as shown. */
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, CommandOption>>;
  /** One line each, for the help text. */
  readonly help: readonly string[];
  /** True: all is well. False: the books disagree, which is exit code 1. Throws `UsageFault` where the words make no sense. */
  run(books: Books, words: readonly string[], values: Values, output: Output): Promise<boolean>;
}

/** A person's mistake in the command line: exit code 2. */
export class UsageFault extends Error {
  override name = 'UsageFault';
}
