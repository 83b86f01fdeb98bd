import { existsSync } from 'node:fs';

// Debian's chromium carries a software Vulkan driver; its own Mesa driver is too old for Dawn.
const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json';

/** Points WebGPU at the software driver, where there is one and no other was asked for. */
export function useSoftwareVulkan(): void {
  if (process.env['VK_ICD_FILENAMES'] === undefined && existsSync(SWIFTSHADER)) {
    process.env['VK_ICD_FILENAMES'] = SWIFTSHADER;
  }
}
