import type { MessagePort } from 'node:worker_threads';
import { type FileMetaData, parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import type { FromParquetThread, ParquetDescription, ParquetRows, ToParquetThread } from './parquet-messages.js';

interface OpenFile {
  readonly byteLength: number;
  slice(start: number, end?: number): Promise<ArrayBuffer>;
}

/** Decodes Parquet files, one after the other, for another thread that supplies their bytes. */
export function serveParquet(port: MessagePort): void {
  const tell = (message: FromParquetThread): void => port.postMessage(message);
  const asked = new Map<number, (bytes: Uint8Array | undefined) => void>();
  let slices = 0;
  let file: OpenFile = openFile(0);
  let metadata: FileMetaData | undefined;

  function openFile(byteLength: number): OpenFile {
    return {
      byteLength,
      async slice(start, end = byteLength) {
        const slice = slices++;
        const bytes = await new Promise<Uint8Array | undefined>((resolve) => {
          asked.set(slice, resolve);
          tell({ slice, start, end });
        });
        if (bytes === undefined) throw new Error('the file could not be read');
        return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
      },
    };
  }

  async function answer(
    request: Exclude<ToParquetThread, { slice: number }>,
  ): Promise<ParquetDescription | ParquetRows> {
    if ('openBytes' in request) {
      file = openFile(request.openBytes);
      metadata = await parquetMetadataAsync(file);
      return descriptionOf(metadata);
    }
    if (metadata === undefined) throw new Error('no file is open');
    const before = metadata.row_groups.slice(0, request.group);
    const rowStart = before.reduce((sum, group) => sum + Number(group.num_rows), 0);
    const rowEnd = rowStart + Number(metadata.row_groups[request.group]?.num_rows ?? 0);
    return parquetReadObjects({ file, metadata, compressors, rowStart, rowEnd, columns: [...request.columns] });
  }

  port.on('message', (message: ToParquetThread) => {
    if ('slice' in message) {
      asked.get(message.slice)?.(message.bytes);
      asked.delete(message.slice);
      return;
    }
    answer(message).then(
      (value) => tell({ value }),
      (error: unknown) => tell({ failure: String(error) }),
    );
  });
}

function descriptionOf(metadata: FileMetaData): ParquetDescription {
  return {
    columns: parquetSchema(metadata).children.map(({ element, children }) => ({
      name: element.name,
      isNested: children.length > 0,
      isText: element.converted_type === 'UTF8',
    })),
    groupRows: metadata.row_groups.map((group) => Number(group.num_rows)),
  };
}
