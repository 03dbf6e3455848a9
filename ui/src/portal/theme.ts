import { Alert, Card, createTheme, Modal, type CSSVariablesResolver } from '@mantine/core';

const ground = (name: string) => ({
  '--alert-bg': `var(--${name}-ground)`,
  '--alert-color': `var(--${name}-text)`,
});
const alertColours: Record<string, Record<string, string>> = {
  red: ground('alarm'),
  orange: ground('warning'),
  blue: { '--alert-bg': 'var(--surface-2)', '--alert-color': 'var(--text)' },
};

/** Mantine with the product's type, radius and one accent. */
export const theme = createTheme({
  fontFamily: 'Inter Variable, system-ui, sans-serif',
  fontFamilyMonospace: 'ui-monospace, Menlo, Consolas, monospace',
  defaultRadius: 8,
  primaryColor: 'accent',
  primaryShade: { light: 6, dark: 5 },
  colors: {
    accent: [
      '#eef4ff',
      '#dbe6fb',
      '#b5cbf5',
      '#8caef0',
      '#6995ec',
      '#4f82e0',
      '#2f62c8',
      '#2754b0',
      '#1f4794',
      '#173873',
    ],
  },
  headings: { fontWeight: '600' },
  components: {
    Card: Card.extend({
      defaultProps: { padding: 16, radius: 8 },
      styles: { root: { background: 'var(--surface)' } },
    }),
    Modal: Modal.extend({
      styles: { title: { fontWeight: 600 }, content: { background: 'var(--surface)' } },
    }),
    Alert: Alert.extend({
      vars: (_, { color }) => ({ root: alertColours[color ?? 'blue'] ?? {} }),
      styles: { message: { color: 'var(--text)' } },
    }),
  },
});

const darkGrounds = {
  '--mantine-color-default': 'var(--surface-2)',
  '--mantine-color-default-hover': 'var(--line)',
  '--mantine-color-dark-4': 'var(--line)',
  '--mantine-color-dark-5': 'var(--line)',
  '--mantine-color-dark-6': 'var(--surface-2)',
  '--mantine-color-dark-8': 'var(--ground)',
};

/** Grounds and text come from the shared tokens, so that Mantine's parts and our own agree. */
export const variables: CSSVariablesResolver = () => {
  const shared = {
    '--mantine-color-body': 'var(--surface)',
    '--mantine-color-text': 'var(--text)',
    '--mantine-color-dimmed': 'var(--muted)',
    '--mantine-color-default-border': 'var(--line-strong)',
    '--mantine-color-error': 'var(--alarm-text)',
    '--mantine-color-placeholder': 'var(--muted)',
    '--table-border-color': 'var(--line)',
  };
  return {
    variables: {},
    light: shared,
    dark: { ...shared, ...darkGrounds },
  };
};
