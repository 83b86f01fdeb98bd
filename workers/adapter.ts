import { type NavigatorGpu, requestAdapter, type WebGpuProbe } from '../src/engine/gpu/request-adapter.js';

async function answer(): Promise<WebGpuProbe> {
  try {
    const dawn = await import('webgpu');
    return await requestAdapter(dawn.create([]) as unknown as NavigatorGpu);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { available: false, reason: `the webgpu package did not load: ${why}`, cure: 'npm install webgpu' };
  }
}

const probe = await answer();
// A listener keeps the process until its parent, which has the answer, ends it: Dawn may crash while it is unloaded.
process.on('disconnect', () => process.exit(0));
process.send?.(probe);
