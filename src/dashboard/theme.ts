import { useEffect, useState } from 'preact/hooks';

/** Theme of the page: the system's, or one chosen here. */
export type Theme = 'auto' | 'light' | 'dark';

const KEY = 'quarry-theme';
const system = matchMedia('(prefers-color-scheme: dark)');

function stored(): Theme {
  const value = localStorage.getItem(KEY);
  return value === 'light' || value === 'dark' ? value : 'auto';
}

/** The theme, whether it is currently dark, and a function to switch. */
export function useTheme(): { readonly isDark: boolean; readonly toggle: () => void } {
  const [theme, setTheme] = useState<Theme>(stored);
  const [isSystemDark, setSystemDark] = useState(system.matches);
  useEffect(() => {
    const onChange = (): void => setSystemDark(system.matches);
    system.addEventListener('change', onChange);
    return () => system.removeEventListener('change', onChange);
  }, []);
  const isDark = theme === 'auto' ? isSystemDark : theme === 'dark';
  document.documentElement.dataset['theme'] = isDark ? 'dark' : 'light';
  const toggle = (): void => {
    const next = isDark ? 'light' : 'dark';
    localStorage.setItem(KEY, next);
    setTheme(next);
  };
  return { isDark, toggle };
}

/** Current value of a colour in the style sheet. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
