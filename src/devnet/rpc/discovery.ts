import type { DescService } from '@bufbuild/protobuf';
import type { Server } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';

/** Adds the standard health service, with every given service SERVING. */
export function addNodeDiscovery(server: Server, services: readonly DescService[]): void {
  const serving = Object.fromEntries(services.map((each) => [each.typeName, 'SERVING' as const]));
  new HealthImplementation({ '': 'SERVING', ...serving }).addToServer(server);
}
