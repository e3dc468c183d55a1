// From the coefficients of JPEG pictures, or from their pixels, to rows of a batch of tensors.
//
// Everything is computed in the whole numbers of libjpeg-turbo's decoder and of the frameworks' resize, so that a
// tensor equals the processor's to the bit; what is computed in floats goes through the intrinsics that round each
// step to nearest and fuse none.
//
// Nothing that was copied to the device is trusted with memory: every index is checked against the length of what it
// points into. Wrong numbers make wrong pixels.

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

// The beginning of what lies in memory for each picture; in Rust `PictureJob`.
struct Job {
    u32 source, method, stored_width, stored_height, width, height, orientation, channels;
    u32 coding, across, down, mcus_across, mcus_down, n_planes, blocks;
    u32 window_width, window_height, from_x, from_y, at_x, at_y, fill;
    u32 columns, rows, precision_columns, precision_rows, cell_across, cell_down, vectors;
    u32 plane_source[3];
};

// The pictures of a launch; in Rust `Launch`.
struct Batch {
    const u32 *blob;
    u64 blob_words;
    u8 *samples;
    u64 n_samples;
    float *out;
    u64 out_len;
    u32 width, height, planes, n;
    // In units of 256 bytes, and the place in the batch.
    u32 blob_at[256], samples_at[256], row[256];
};

enum { BLOCKS = 0, PIXELS = 1 };
enum { GRAY = 0, YCC = 1, RGB = 2 };
enum { COPY = 0, NEAREST = 1, LINEAR = 2, CUBIC = 3, CELLS = 4, PARTS = 5, COLUMNS_FIRST = 6, ROWS_FIRST = 7 };

const u32 JOB_WORDS = 64, QUANTIZATION_WORDS = 96, UNIT = 256;

// A picture and what its numbers may point into.
struct Picture {
    const u32 *words;
    u64 n_words;
    const u8 *samples;
    u64 n_samples;
    Job job;

    __device__ u32 word(u64 at) const { return at < n_words ? __ldg(words + at) : 0; }
    __device__ int sample(u64 at) const { return at < n_samples ? samples[at] : 0; }
    __device__ float value(u32 plane, u32 level) const {
        return __uint_as_float(word(JOB_WORDS + QUANTIZATION_WORDS + 256 * plane + level));
    }
};

__device__ bool open(const Batch &batch, u32 index, Picture &picture) {
    if (index >= batch.n || index >= 256) return false;
    u64 at = (u64)batch.blob_at[index] * (UNIT / 4), samples = (u64)batch.samples_at[index] * UNIT;
    if (at + JOB_WORDS > batch.blob_words || samples > batch.n_samples) return false;
    picture.words = batch.blob + at;
    picture.n_words = batch.blob_words - at;
    picture.samples = batch.samples + samples;
    picture.n_samples = batch.n_samples - samples;
    u32 *job = (u32 *)&picture.job;
    for (u32 i = 0; i < sizeof(Job) / 4; i++) job[i] = __ldg(picture.words + i);
    return true;
}

// jidctint as libjpeg-turbo's vector code computes it: sums of inputs wrap at 16 bits, sums of products at 32, and
// results saturate.

__device__ u32 product(short a, int wa, short b, int wb) { return (u32)(a * wa) + (u32)(b * wb); }

template <int SHIFT> __device__ short narrow(u32 sum) {
    int value = (int)(sum + (1u << (SHIFT - 1))) >> SHIFT;
    return (short)max(-32768, min(32767, value));
}

template <int SHIFT> __device__ void idct(short v[8]) {
    u32 even_0 = (u32)((int)(short)(v[0] + v[4]) * 8192), even_1 = (u32)((int)(short)(v[0] - v[4]) * 8192);
    u32 even_2 = product(v[2], 4433, v[6], 4433 - 15137), even_3 = product(v[2], 4433 + 6270, v[6], 4433);
    u32 even[4] = {even_0 + even_3, even_1 + even_2, even_1 - even_2, even_0 - even_3};
    short z3 = (short)(v[7] + v[3]), z4 = (short)(v[5] + v[1]);
    u32 z3_turned = product(z3, 9633 - 16069, z4, 9633), z4_turned = product(z3, 9633, z4, 9633 - 3196);
    u32 odd[4] = {
        product(v[7], -7373, v[1], 12299 - 7373) + z4_turned,
        product(v[5], -20995, v[3], 25172 - 20995) + z3_turned,
        product(v[5], 16819 - 20995, v[3], -20995) + z4_turned,
        product(v[7], 2446 - 7373, v[1], -7373) + z3_turned,
    };
#pragma unroll
    for (int i = 0; i < 4; i++) {
        v[i] = narrow<SHIFT>(even[i] + odd[i]);
        v[7 - i] = narrow<SHIFT>(even[i] - odd[i]);
    }
}

// Each thread transforms one block into its samples.
extern "C" __global__ void transform(const __grid_constant__ Batch batch) {
    Picture picture;
    if (!open(batch, blockIdx.y, picture) || picture.job.source != BLOCKS) return;
    const Job &job = picture.job;
    u64 block = (u64)blockIdx.x * blockDim.x + threadIdx.x, index = block;
    u64 luma_across = (u64)job.mcus_across * job.across, luma = luma_across * job.mcus_down * job.down;
    u64 chroma = (u64)job.mcus_across * job.mcus_down;
    u32 plane = 0;
    u64 across = luma_across, first = 0;
    if (block >= luma) {
        if (job.n_planes < 3 || block >= luma + 2 * chroma) return;
        plane = block >= luma + chroma ? 2 : 1;
        first = plane == 2 ? luma + chroma : luma;
        index = block - first;
        across = job.mcus_across;
    }
    u64 at = (u64)job.blocks + block * 32;
    u64 stride = 8 * across, to = 64 * first + index / across * 8 * stride + index % across * 8;
    if (at + 32 > picture.n_words || to + 7 * stride + 8 > picture.n_samples) return;

    short v[8][8];
#pragma unroll
    for (int y = 0; y < 8; y++) {
        uint4 line = __ldg((const uint4 *)(picture.words + at) + y);
        const u32 *steps = picture.words + JOB_WORDS + 32 * plane + 4 * y;
        u32 pairs[4] = {line.x, line.y, line.z, line.w};
#pragma unroll
        for (int x = 0; x < 4; x++) {
            u32 step = JOB_WORDS + QUANTIZATION_WORDS <= picture.n_words ? __ldg(steps + x) : 0;
            v[y][2 * x] = (short)((short)(pairs[x] & 0xffff) * (short)(step & 0xffff));
            v[y][2 * x + 1] = (short)((short)(pairs[x] >> 16) * (short)(step >> 16));
        }
    }
#pragma unroll
    for (int x = 0; x < 8; x++) {
        short column[8];
#pragma unroll
        for (int y = 0; y < 8; y++) column[y] = v[y][x];
        idct<11>(column);
#pragma unroll
        for (int y = 0; y < 8; y++) v[y][x] = column[y];
    }
    u8 *out = batch.samples + (picture.samples - batch.samples) + to;
#pragma unroll
    for (int y = 0; y < 8; y++) {
        idct<18>(v[y]);
        u32 half[2] = {0, 0};
#pragma unroll
        for (int x = 0; x < 8; x++) half[x / 4] |= (u32)max(0, min(255, v[y][x] + 128)) << (8 * (x % 4));
        *(uint2 *)(out + y * stride) = make_uint2(half[0], half[1]);
    }
}

// A pixel, of one or three channels.
struct Pixel {
    int c[3];
};

__device__ int clamped(int value) { return max(0, min(255, value)); }

__device__ Pixel of_ycc(int y, int blue, int red) {
    blue -= 128, red -= 128;
    Pixel pixel;
    pixel.c[0] = clamped(y + ((91881 * red + 32768) >> 16));
    pixel.c[1] = clamped(y + ((-22554 * blue - 46802 * red + 32768) >> 16));
    pixel.c[2] = clamped(y + ((116130 * blue + 32768) >> 16));
    return pixel;
}

// The sample of a difference for a pixel: libjpeg-turbo's smooth upsampling.
__device__ int difference(const Picture &picture, u64 base, u32 x, u32 y) {
    const Job &job = picture.job;
    u64 stride = 8 * (u64)job.mcus_across;
    u32 width = (job.stored_width + job.across - 1) / job.across;
    u32 height = (job.stored_height + job.down - 1) / job.down;
    u32 near = y / job.down, far = near;
    if (job.down == 2) far = y % 2 == 0 ? (near == 0 ? 0 : near - 1) : min(near + 1, height - 1);
    const u64 near_at = base + near * stride, far_at = base + far * stride;
    if (job.across == 2) {
        u32 column = x / 2;
        if (width <= 2) return picture.sample(near_at + column);
        u32 beside = x % 2 == 0 ? (column == 0 ? 0 : column - 1) : min(column + 1, width - 1);
        int even = job.down == 1 ? 4 : 8, odd = job.down == 1 ? 8 : 7;
        int here = 3 * picture.sample(near_at + column) + picture.sample(far_at + column);
        int there = 3 * picture.sample(near_at + beside) + picture.sample(far_at + beside);
        return (3 * here + there + (x % 2 == 0 ? even : odd)) >> 4;
    }
    if (job.down == 2)
        return (3 * picture.sample(near_at + x) + picture.sample(far_at + x) + (y % 2 == 0 ? 1 : 2)) >> 2;
    return picture.sample(near_at + x);
}

// The pixel of the upright picture.
template <int C> __device__ Pixel fetch(const Picture &picture, u32 x, u32 y) {
    const Job &job = picture.job;
    u32 right = job.stored_width - 1, bottom = job.stored_height - 1, sx = x, sy = y;
    switch (job.orientation) {
    case 2: sx = right - x; break;
    case 3: sx = right - x, sy = bottom - y; break;
    case 4: sy = bottom - y; break;
    case 5: sx = y, sy = x; break;
    case 6: sx = y, sy = bottom - x; break;
    case 7: sx = right - y, sy = bottom - x; break;
    case 8: sx = right - y, sy = x; break;
    }
    Pixel pixel;
    if (job.source == PIXELS) {
        u64 at = ((u64)sy * job.stored_width + sx) * C;
        for (int c = 0; c < C; c++) pixel.c[c] = picture.sample(at + c);
        return pixel;
    }
    u64 stride = 8 * (u64)job.mcus_across * job.across;
    int luma = picture.sample(sy * stride + sx);
    if (C == 1) {
        pixel.c[0] = luma;
        return pixel;
    }
    u64 chroma = 64 * (u64)job.mcus_across * job.mcus_down, blue = stride * 8 * job.mcus_down * job.down;
    if (job.coding == RGB) {
        pixel.c[0] = luma;
        pixel.c[1] = picture.sample(blue + sy * stride + sx);
        pixel.c[2] = picture.sample(blue + chroma + sy * stride + sx);
        return pixel;
    }
    return of_ycc(luma, difference(picture, blue, sx, sy), difference(picture, blue + chroma, sx, sy));
}

template <int C> __device__ void zero(int sum[3], int value) {
    for (int c = 0; c < C; c++) sum[c] = value;
}

template <int C> __device__ Pixel linear(const Picture &picture, u32 x, u32 y) {
    u64 column = picture.job.columns + 4ull * x, row = picture.job.rows + 4ull * y;
    u32 first = picture.word(column), second = picture.word(column + 1);
    u32 wa = picture.word(column + 2), wb = picture.word(column + 3);
    u32 sum[3] = {2, 2, 2};
    for (u32 i = 0; i < 2; i++) {
        u32 line = picture.word(row + i), weight = picture.word(row + 2 + i);
        Pixel a = fetch<C>(picture, first, line), b = fetch<C>(picture, second, line);
        for (int c = 0; c < C; c++) sum[c] += (((a.c[c] * wa + b.c[c] * wb) >> 4) * weight) >> 16;
    }
    Pixel pixel;
    for (int c = 0; c < C; c++) pixel.c[c] = (sum[c] >> 2) & 255;
    return pixel;
}

// To the nearest whole number, halves to even, and into a byte.
__device__ int rounded(float value) { return clamped(__float2int_rn(value)); }

template <int C> __device__ Pixel cubic(const Picture &picture, u32 x, u32 y) {
    u64 column = picture.job.columns + 8ull * x, row = picture.job.rows + 8ull * y;
    u32 sums[4][3];
    for (u32 j = 0; j < 4; j++) {
        for (int c = 0; c < C; c++) sums[j][c] = 0;
        u32 line = picture.word(row + j);
        for (u32 i = 0; i < 4; i++) {
            Pixel at = fetch<C>(picture, picture.word(column + i), line);
            u32 weight = picture.word(column + 4 + i);
            for (int c = 0; c < C; c++) sums[j][c] += at.c[c] * weight;
        }
    }
    Pixel pixel;
    for (int c = 0; c < C; c++) {
        u64 place = (u64)(picture.job.from_x + x) * C + c;
        float part[4];
        u32 whole = 1u << 21;
        for (u32 j = 0; j < 4; j++) {
            u32 weight = picture.word(row + 4 + j);
            part[j] = __fmul_rn(__int2float_rn((int)sums[j][c]), __int2float_rn((int)weight) * (1.0f / 4194304.0f));
            whole += sums[j][c] * weight;
        }
        float sum = __fadd_rn(part[0], __fadd_rn(part[1], __fadd_rn(part[2], part[3])));
        pixel.c[c] = place < picture.job.vectors ? rounded(sum) : clamped((int)whole >> 22);
    }
    return pixel;
}

template <int C> __device__ Pixel cells(const Picture &picture, u32 x, u32 y) {
    u32 across = picture.job.cell_across, down = picture.job.cell_down;
    u32 left = (picture.job.from_x + x) * across, top = (picture.job.from_y + y) * down;
    u32 sum[3] = {0, 0, 0};
    for (u32 j = 0; j < down; j++)
        for (u32 i = 0; i < across; i++) {
            Pixel at = fetch<C>(picture, left + i, top + j);
            for (int c = 0; c < C; c++) sum[c] += at.c[c];
        }
    bool halved = across == 2 && down == 2;
    float share = __fdiv_rn(1.0f, __ull2float_rn((u64)across * down));
    Pixel pixel;
    for (int c = 0; c < C; c++)
        pixel.c[c] = halved ? (sum[c] + 2) >> 2 : rounded(__fmul_rn(__int2float_rn((int)sum[c]), share));
    return pixel;
}

// A run of positions with their weights.
struct Run {
    u32 first, count;
    u64 weights;
};

__device__ Run run(const Picture &picture, u64 table, u32 entry) {
    u64 at = table + 3ull * entry;
    Run run = {picture.word(at), picture.word(at + 2), table + picture.word(at + 1)};
    return run;
}

template <int C> __device__ Pixel parts(const Picture &picture, u32 x, u32 y) {
    Run across = run(picture, picture.job.columns, x), down = run(picture, picture.job.rows, y);
    float total[3] = {0, 0, 0};
    for (u32 j = 0; j < down.count; j++) {
        float sum[3] = {0, 0, 0};
        for (u32 i = 0; i < across.count; i++) {
            Pixel at = fetch<C>(picture, across.first + i, down.first + j);
            float weight = __uint_as_float(picture.word(across.weights + i));
            for (int c = 0; c < C; c++) sum[c] = __fadd_rn(sum[c], __fmul_rn(__int2float_rn(at.c[c]), weight));
        }
        float weight = __uint_as_float(picture.word(down.weights + j));
        for (int c = 0; c < C; c++) total[c] = __fadd_rn(total[c], __fmul_rn(weight, sum[c]));
    }
    Pixel pixel;
    for (int c = 0; c < C; c++) pixel.c[c] = rounded(total[c]);
    return pixel;
}

// Two passes that each round to bytes; which comes first makes a difference.
template <int C, bool ROWS> __device__ Pixel convolve(const Picture &picture, u32 x, u32 y) {
    const Job &job = picture.job;
    Run inner = ROWS ? run(picture, job.rows, y) : run(picture, job.columns, x);
    Run outer = ROWS ? run(picture, job.columns, x) : run(picture, job.rows, y);
    u32 inner_bits = (ROWS ? job.precision_rows : job.precision_columns) & 31;
    u32 outer_bits = (ROWS ? job.precision_columns : job.precision_rows) & 31;
    u32 total[3], sum[3];
    for (int c = 0; c < C; c++) total[c] = (1u << outer_bits) >> 1;
    for (u32 j = 0; j < outer.count; j++) {
        for (int c = 0; c < C; c++) sum[c] = (1u << inner_bits) >> 1;
        for (u32 i = 0; i < inner.count; i++) {
            u32 weight = picture.word(inner.weights + i), a = inner.first + i, b = outer.first + j;
            Pixel at = ROWS ? fetch<C>(picture, b, a) : fetch<C>(picture, a, b);
            for (int c = 0; c < C; c++) sum[c] += at.c[c] * weight;
        }
        u32 weight = picture.word(outer.weights + j);
        for (int c = 0; c < C; c++) total[c] += clamped((int)sum[c] >> inner_bits) * weight;
    }
    Pixel pixel;
    for (int c = 0; c < C; c++) pixel.c[c] = clamped((int)total[c] >> outer_bits);
    return pixel;
}

template <int C> __device__ Pixel resample(const Picture &picture, u32 x, u32 y) {
    switch (picture.job.method) {
    case NEAREST: return fetch<C>(picture, picture.word(picture.job.columns + (u64)x), picture.word(picture.job.rows + (u64)y));
    case LINEAR: return linear<C>(picture, x, y);
    case CUBIC: return cubic<C>(picture, x, y);
    case CELLS: return cells<C>(picture, x, y);
    case PARTS: return parts<C>(picture, x, y);
    case COLUMNS_FIRST: return convolve<C, false>(picture, x, y);
    case ROWS_FIRST: return convolve<C, true>(picture, x, y);
    default: return fetch<C>(picture, picture.job.from_x + x, picture.job.from_y + y);
    }
}

// Each thread makes one pixel of a tensor, in all its planes.
extern "C" __global__ void tensor(const __grid_constant__ Batch batch) {
    u32 x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    Picture picture;
    if (x >= batch.width || y >= batch.height || !open(batch, blockIdx.z, picture)) return;
    const Job &job = picture.job;
    Pixel pixel;
    u32 window_x = x - job.at_x, window_y = y - job.at_y;
    if (x >= job.at_x && y >= job.at_y && window_x < job.window_width && window_y < job.window_height) {
        if (job.channels == 1) {
            pixel = resample<1>(picture, window_x, window_y);
            pixel.c[1] = pixel.c[2] = pixel.c[0];
        } else {
            pixel = resample<3>(picture, window_x, window_y);
        }
    } else {
        pixel.c[0] = pixel.c[1] = pixel.c[2] = job.fill & 255;
    }
    for (u32 plane = 0; plane < batch.planes && plane < 3; plane++) {
        u64 at = (((u64)batch.row[blockIdx.z] * batch.planes + plane) * batch.height + y) * batch.width + x;
        u32 source = job.plane_source[plane];
        int level = source == 0 ? pixel.c[0] : source == 1 ? pixel.c[1] : pixel.c[2];
        if (at < batch.out_len) batch.out[at] = picture.value(plane, level);
    }
}
