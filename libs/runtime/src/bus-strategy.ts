// Nest's transport for our bus: takes the handlers that `@Handles(contract)` marks and registers them. Contracts between our own processes (plans, attempts,
// leases) and all streams call the controller's method itself; management calls go through Nest's guards, pipes and filters, after the permission check.
import { Catch, type ExceptionFilter, type INestApplicationContext } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import type { Bus, HandlerContext, StreamWriter, Subscription } from '@waystation/bus';
import { isObservable, lastValueFrom, throwError, type Observable } from 'rxjs';
import { contractOf, patternOf, type AnyContract } from './handles.js';
import { checkPermission } from './permission.js';
import { isTracing, span } from './telemetry.js';

type Rpc = Extract<AnyContract, { kind: 'rpc' }>;
type RpcMethod = (request: unknown, context: HandlerContext) => unknown;
type StreamMethod = (
  request: unknown,
  body: Buffer,
  writer: StreamWriter<unknown>,
  context: HandlerContext,
) => Promise<void> | void;

export interface BusStrategyOptions {
  readonly bus: Bus;
  /** Keys of stream contracts to subscribe to; undefined: all. */
  readonly streamKeys?: readonly string[] | undefined;
}

export class BusStrategy extends Server implements CustomTransportStrategy {
  readonly #bus: Bus;
  readonly #streamKeys: readonly string[] | undefined;
  readonly #methods = new Map<
    string,
    { readonly controller: object; readonly method: (...args: never[]) => unknown }
  >();
  readonly #subscriptions: Subscription[] = [];
  #closing: Promise<void> | undefined;

  constructor(options: BusStrategyOptions) {
    super();
    this.#bus = options.bus;
    this.#streamKeys = options.streamKeys;
  }

  /** Finds the controllers' methods in a Nest application. Before `listen`. */
  bindControllers(app: INestApplicationContext): void {
    const scanner = new MetadataScanner();
    for (const wrapper of app.get(DiscoveryService, { strict: false }).getControllers()) {
      const controller: unknown = wrapper.instance;
      if (typeof controller !== 'object' || controller === null) continue;
      for (const name of scanner.getAllMethodNames(Object.getPrototypeOf(controller) as object)) {
        const method: unknown = Reflect.get(controller, name);
        const contract = contractOf(method);
        if (contract === undefined || typeof method !== 'function') continue;
        if (!wrapper.isDependencyTreeStatic())
          throw new Error(
            `${wrapper.name}.${name} handles ${contract.name} and must not be request-scoped: one instance serves all calls`,
          );
        const pattern = patternOf(contract);
        if (this.#methods.has(pattern))
          throw new Error(`${contract.name} has two handlers; ${wrapper.name}.${name} is the second`);
        this.#methods.set(pattern, { controller, method: method as (...args: never[]) => unknown });
      }
    }
  }

  listen(callback: (error?: unknown) => void): void {
    this.#register().then(
      () => callback(),
      (error: unknown) => callback(error),
    );
  }

  /** Takes no new calls; resolves when those that run have answered. */
  close(): Promise<void> {
    this.#closing ??= Promise.all(this.#subscriptions.map((each) => each.drain())).then(() => undefined);
    return this.#closing;
  }

  on(): never {
    throw new Error('the bus has no events of its own for Nest; use Bus.onState');
  }

  unwrap<T>(): T {
    return this.#bus as T;
  }

  async #register(): Promise<void> {
    for (const [pattern, handler] of this.messageHandlers) {
      const contract = handler.extras?.['contract'] as AnyContract | undefined;
      if (contract === undefined)
        throw new Error(`${pattern} was registered without a contract: use @Handles(contract), not @MessagePattern`);
      const subscription =
        contract.kind === 'rpc'
          ? await this.#bus.handle(contract, traced(contract, this.#rpcHandler(contract, handler)))
          : await this.#bus.handleStream(contract, this.#streamKeys, this.#directMethod(contract) as StreamMethod);
      this.#subscriptions.push(subscription);
    }
  }

  #rpcHandler(
    contract: Rpc,
    handler: MessageHandler,
  ): (request: unknown, context: HandlerContext) => Promise<unknown> | unknown {
    if (contract.permission !== 'service') {
      return async (request, context) => {
        checkPermission(contract, request);
        return settle(await handler(request, context));
      };
    }
    const method = this.#directMethod(contract) as RpcMethod;
    // Plans and leases carry no principal; the bus's permissions say who may call them.
    if (!('principal' in shapeOf(contract))) return method;
    return (request, context) => {
      checkPermission(contract, request);
      return method(request, context);
    };
  }

  #directMethod(contract: AnyContract): RpcMethod | StreamMethod {
    const bound = this.#methods.get(patternOf(contract));
    if (bound === undefined) throw new Error(`no controller method handles ${contract.name}`);
    return bound.method.bind(bound.controller) as unknown as RpcMethod | StreamMethod;
  }
}

/** Top-level fields of a contract's request, where it is an object. */
const shapeOf = (contract: Rpc): object =>
  'shape' in contract.request && typeof contract.request.shape === 'object' ? (contract.request.shape ?? {}) : {};

const settle = (result: unknown): unknown =>
  isObservable(result) ? lastValueFrom(result as Observable<unknown>) : result;

const traced = (contract: Rpc, handler: RpcMethod): RpcMethod =>
  isTracing()
    ? (request, context) =>
        span(
          contract.name,
          { 'rpc.system': 'nats', 'rpc.method': contract.name },
          () => handler(request, context),
          'server',
        )
    : handler;

/** Keeps what a handler threw as it is: the bus turns it into an error on the wire, and Nest's own filter would hide its code. */
@Catch()
export class PassErrorsOn implements ExceptionFilter {
  catch(error: unknown): Observable<never> {
    return throwError(() => error);
  }
}
