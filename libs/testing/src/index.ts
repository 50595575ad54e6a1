// What tests need of the world outside: real servers, the running system, and fakes for what lies beyond our edges.
export {
  fakeUpstream,
  type FakeUpstream,
  type UpstreamReply,
  type UpstreamRequest,
  type UpstreamScript,
} from './fake-upstream.ts';
export { createLabAuthority, type LabAuthority } from './lab-authority.ts';
export { startLabProxy, type LabProxy, type LabProxyOptions } from './lab-proxy.ts';
export { invariants, type LedgerReport } from './invariants.ts';
export { diceOf, randomBytes, spoilBytes, spoilJson, type Dice } from './mutate.ts';
export { natsServer, type TestNats, type TestNatsOptions } from './nats-server.ts';
export { otlpCollector, type ExportedSpan, type OtlpCollector } from './otlp-collector.ts';
export { postgresDatabase, type TestDatabase } from './postgres-database.ts';
export { runningSystem, type AppName, type RunningSystem, type RunningSystemOptions } from './running-system.ts';
export { tcpBalancer, type BalancerTarget, type TcpBalancer } from './tcp-balancer.ts';
export { makePdf, type PdfPage } from './make-pdf.js';
