// `@Handles(contract)` marks a method as the handler of an rpc or stream contract. The subject is Nest's pattern, the contract rides in the extras
// (a contract object as the pattern would be stringified whole) and on the method itself, so that hot contracts can be bound to it directly.
//   rpc:    method(request, context: HandlerContext)
//   stream: method(request, body: Buffer, writer: StreamWriter, context: HandlerContext)
import 'reflect-metadata';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import type { RpcContract, StreamContract } from '@waystation/contracts';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- contracts of any request and reply; the method's own types are checked where it is written
export type AnyContract = RpcContract<any, any> | StreamContract<any, any>;

const CONTRACT = Symbol('waystation.contract');

/** Nest's pattern for a contract. */
export const patternOf = (contract: AnyContract): string =>
  contract.kind === 'rpc' ? contract.subject : contract.subjectAny;

export const Handles =
  (contract: AnyContract): MethodDecorator =>
  (target, key, descriptor) => {
    MessagePattern(patternOf(contract), { contract })(target, key, descriptor);
    // Nest hands over the payload alone unless the parameters say otherwise.
    Payload()(target, key, 0);
    Ctx()(target, key, 1);
    if (descriptor.value !== undefined && descriptor.value !== null)
      Reflect.defineMetadata(CONTRACT, contract, descriptor.value);
  };

/** The contract that a method handles, if any. */
export const contractOf = (method: unknown): AnyContract | undefined =>
  typeof method === 'function' ? (Reflect.getMetadata(CONTRACT, method) as AnyContract | undefined) : undefined;
