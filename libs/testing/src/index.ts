// What tests need of the world outside: real servers, the running system, and fakes for what lies beyond our edges.
export { natsServer, type TestNats, type TestNatsOptions } from './nats-server.ts';
export { postgresDatabase, type TestDatabase } from './postgres-database.ts';
