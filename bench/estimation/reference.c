/* The filter of core_rs/src/estimate/filter.rs in C: the reference that the Rust step is timed against.
   Same states, same tables, same order of work; without the judging of readings. */
#include <math.h>
#include <string.h>
#define N 8
#define OCV 401
#define SOCS 101
#define TEMPS 19

typedef struct { double capacity_as, rate, voltage_v, offset_a, scale, model_v, share, time_s, gap_v, shares[3];
                 double ocv[OCV][2], circuit[TEMPS][SOCS][8]; } model;
typedef struct { double x[N], p[N][N], square, mean, means, element[3], mode[3]; double last_a; } cell;
static const double RATE[3] = { 10, 33, 100 }, WEIGHT[3] = { 0.495, 0.168, 0.337 }, FASTER[3] = { 1, 2.956, 12 };

static double clamp(double v, double lo, double hi) { return v < lo ? lo : v > hi ? hi : v; }
static double decay(double x) { return x < 0.02 ? 1 - x * (1 - x * (0.5 - x / 6)) : exp(-x); }
static double ocv(const model *m, double soc, int k) {
    double at = clamp(soc, 0, 1) * (OCV - 1); int i = (int)at; if (i > OCV - 2) i = OCV - 2;
    return m->ocv[i][k] + (at - i) * (m->ocv[i + 1][k] - m->ocv[i][k]);
}
static double steep(const model *m, double soc) {
    double lo = soc - 0.01 < 0 ? 0 : soc - 0.01, hi = soc + 0.01 > 1 ? 1 : soc + 0.01;
    return (ocv(m, hi, 0) - ocv(m, lo, 0)) / (hi - lo);
}
static void circuit(const model *m, double soc, double degc, double *out) {
    double a = clamp((degc + 30) / 5, 0, TEMPS - 1), b = clamp(soc, 0, 1) * (SOCS - 1);
    int i = (int)a, j = (int)b; if (i > TEMPS - 2) i = TEMPS - 2; if (j > SOCS - 2) j = SOCS - 2;
    for (int k = 0; k < 8; k++) {
        double lo = m->circuit[i][j][k] + (b - j) * (m->circuit[i][j + 1][k] - m->circuit[i][j][k]);
        double hi = m->circuit[i + 1][j][k] + (b - j) * (m->circuit[i + 1][j + 1][k] - m->circuit[i + 1][j][k]);
        out[k] = lo + (a - i) * (hi - lo);
    }
}
static void rows(double p[N][N], const double *keep, double by_offset, double by_scale, double d1, double d2) {
    for (int c = 0; c < N; c++) {
        double offset = p[4][c];
        p[0][c] += by_offset * offset + by_scale * p[5][c];
        p[1][c] = keep[0] * p[1][c] - d1 * offset;
        p[2][c] = keep[1] * p[2][c] - d2 * offset;
        p[3][c] *= keep[2];
        p[6][c] *= keep[3];
    }
}
static void transpose(double p[N][N]) {
    for (int r = 0; r < N; r++) for (int c = 0; c < r; c++) { double t = p[r][c]; p[r][c] = p[c][r]; p[c][r] = t; }
}
static void predict(const model *m, cell *s, const double *e, double amps, double sigma, double dt) {
    double current = amps - s->x[4], per = -dt / m->capacity_as, moved = per * (1 + s->x[5]) * current;
    double keep[4] = { decay(dt * e[4]), decay(dt * e[5]), decay(m->rate * fabs(moved)), decay(dt / m->time_s) };
    double d1 = e[2] * (1 - keep[0]), d2 = e[3] * (1 - keep[1]);
    for (int k = 0; k < 3; k++) {
        double stay = decay(dt * e[7] * FASTER[k]);
        s->mode[k] = stay * s->mode[k] + (1 - stay) * WEIGHT[k] * e[6] * current / (m->capacity_as / 3600);
    }
    s->x[0] += moved;
    s->x[1] = keep[0] * s->x[1] + d1 * current;
    s->x[2] = keep[1] * s->x[2] + d2 * current;
    double before = 0, after = 0, hours = m->capacity_as / 3600;
    for (int k = 0; k < 3; k++) {
        double stay = decay(RATE[k] * fabs(moved));
        before += m->shares[k] * s->element[k];
        s->element[k] = stay * s->element[k] + (1 - stay) * copysign(1, moved);
        after += m->shares[k] * s->element[k];
    }
    s->x[3] = after + keep[2] * (s->x[3] - before);
    s->x[6] *= keep[3];
    rows(s->p, keep, -per, per * current, d1, d2); transpose(s->p); rows(s->p, keep, -per, per * current, d1, d2);
    double g[3] = { per, d1, d2 };
    for (int r = 0; r < 3; r++) for (int c = 0; c < 3; c++) s->p[r][c] += sigma * sigma * g[r] * g[c];
    s->square = keep[3] * s->square + (1 - keep[3]) * current * current;
    s->mean = keep[3] * s->mean + (1 - keep[3]) * current;
    double slow = decay(dt / 14400), blur = decay(m->rate * fabs(sigma * per));
    s->means = slow * s->means + (1 - slow) * s->mean * s->mean;
    s->p[3][3] += (1 - blur * blur) * 0.577 * 0.577;
    double lost = m->share * (e[0] + e[2] + e[3]), wander = dt / (30 * 86400.0);
    double lag = 0.2 * e[6] / hours * steep(m, s->x[0]);
    s->p[3][3] += (1 - keep[2] * keep[2]) * 0.09;
    s->p[4][4] += wander * m->offset_a * m->offset_a;
    s->p[5][5] += wander * m->scale * m->scale;
    s->p[6][6] += (1 - keep[3] * keep[3]) * (m->model_v * m->model_v + (lost * lost + lag * lag) * s->square);
}
static void update(const model *m, cell *s, const double *e, double amps, double volts) {
    double sigma = sqrt(clamp(s->p[0][0], 1e-8, 1.0 / 12)), spread = sqrt(3) * sigma; if (spread > 0.48) spread = 0.48;
    double margin = 0.3 * spread < 0.02 ? 0.3 * spread : 0.02, surface = s->x[0] - (s->mode[0] + s->mode[1] + s->mode[2]);
    surface = clamp(surface, s->x[0] < 0 ? s->x[0] : 0, s->x[0] > 0.95 ? s->x[0] : 0.95);
    double centre = clamp(surface, spread + margin, 1 - spread - margin);
    double lo = ocv(m, centre - spread, 0), hi = ocv(m, centre + spread, 0), mid = ocv(m, centre, 0), gap = ocv(m, s->x[0], 1);
    double mean = (4 * mid + lo + hi) / 6, slope = (hi - lo) / (2 * spread), square = (4 * mid * mid + lo * lo + hi * hi) / 6;
    double linear = slope * spread / sqrt(3), bent = (amps - s->x[4]) / e[1];
    double series = e[0] * e[1] * asinh(bent), off = 0.03 * series;
    double h[N] = { slope, -1, -1, gap, e[0] / sqrt(1 + bent * bent), 0, 1, hypot(hypot(m->model_v, 0.1 * m->gap_v), 0.005 * slope) }, ph[N], k[N], half[N][N], kh[N];
    double expected = mean + slope * (surface - centre) + gap * s->x[3] + s->x[6] - s->x[1] - s->x[2] - series;
    double extra = square - mean * mean - linear * linear;
    double r = m->voltage_v * m->voltage_v + (extra > 0 ? extra : 0) + 0.04 * linear * linear + off * off, v = r;
    for (int i = 0; i < N; i++) { ph[i] = 0; for (int j = 0; j < N; j++) ph[i] += s->p[i][j] * h[j]; v += ph[i] * h[i]; }
    double y = volts - expected; if (y * y > 25 * v) return;
    for (int i = 0; i < N; i++) { k[i] = i == 5 || i == 7 ? 0 : ph[i] / v; s->x[i] += k[i] * y; }
    for (int i = 0; i < N; i++) for (int j = 0; j < N; j++) half[i][j] = s->p[i][j] - k[i] * ph[j];
    for (int i = 0; i < N; i++) { kh[i] = 0; for (int j = 0; j < N; j++) kh[i] += half[i][j] * h[j]; }
    for (int i = 0; i < N; i++) for (int j = 0; j < N; j++) half[i][j] += r * k[i] * k[j] - kh[i] * k[j];
    for (int i = 0; i < N; i++) for (int j = 0; j < N; j++) s->p[i][j] = 0.5 * (half[i][j] + half[j][i]);
    s->x[0] = clamp(s->x[0], 0, 1); s->x[3] = clamp(s->x[3], -1, 1);
}
void begin(const model *m, cell *cells, int count, double soc, double sigma, double degc) {
    double e[8], before = 0.2 * m->capacity_as / 3600; circuit(m, soc, degc, e);
    double error = hypot(hypot(m->model_v, m->share * (e[0] + e[2] + e[3]) * before), e[6] * 0.2 * steep(m, soc));
    double s[N] = { sigma, before * e[2], before * e[3], 0.577, m->offset_a, m->scale, error, 1 };
    for (int n = 0; n < count; n++) {
        memset(&cells[n], 0, sizeof(cell)); cells[n].x[0] = soc; cells[n].square = cells[n].means = before * before;
        for (int i = 0; i < N; i++) cells[n].p[i][i] = s[i] * s[i];
    }
}
void step(const model *m, cell *cells, int count, const double *amps, const double *volts, const double *degc, double dt) {
    for (int n = 0; n < count; n++) {
        double e[8]; circuit(m, cells[n].x[0], degc[n], e);
        predict(m, &cells[n], e, 0.5 * (amps[n] + cells[n].last_a), fabs(amps[n] - cells[n].last_a) / sqrt(12), dt);
        update(m, &cells[n], e, amps[n], volts[n]);
        cells[n].last_a = amps[n];
    }
}
double soc(const cell *cells, int n) { return cells[n].x[0]; }
int cell_bytes(void) { return sizeof(cell); }
