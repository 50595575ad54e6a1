// The only code that touches NATS.
export { BUS_BYTES, BUS_TIMES, type BusOptions, type BusTimes } from './options.js';
export type {
  AttemptHandler,
  AttemptReader,
  AttemptWriter,
  Bus,
  BusState,
  ConsumedLine,
  ConsumeHandler,
  ConsumeOptions,
  Consumer,
  HandlerContext,
  Journal,
  KvBucket,
  KvWatch,
  KvWatchHandler,
  OpenStreamOptions,
  RequestOptions,
  RpcHandler,
  StreamCall,
  StreamHandler,
  StreamReader,
  StreamWriter,
  Subscription,
} from './bus.js';
export { connectBus, provisionStreams, type ProvisionTarget } from './connect-bus.js';
export type { ProvisionOptions } from './provision/stream-configs.js';
