import { type DescFile, type DescService, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type { Server } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';

/** Adds services for generic tools: health, with every given service SERVING, and reflection v1 and v1alpha. */
export function addNodeDiscovery(server: Server, services: readonly DescService[]): void {
  const serving = Object.fromEntries(services.map((each) => [each.typeName, 'SERVING' as const]));
  new HealthImplementation({ '': 'SERVING', ...serving }).addToServer(server);
  const files = new Set<DescFile>();
  const collect = (file: DescFile) => {
    if (files.has(file)) return;
    files.add(file);
    for (const dependency of file.dependencies) collect(dependency);
  };
  for (const { file } of services) collect(file);
  const fileDescriptorProtos = [...files].map((file) => Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)));
  // The implementation uses only the file descriptors of a package definition.
  const everything = { format: 'Protocol Buffer 3 DescriptorProto', type: {}, fileDescriptorProtos };
  new ReflectionService({ everything } as unknown as ConstructorParameters<typeof ReflectionService>[0]).addToServer(
    server,
  );
}
