"""DALI without a GPU. Its executor runs nothing ahead, so that all its work is done while it is timed."""

import numpy as np
import nvidia.dali
from nvidia.dali import fn, pipeline_def, types
from peer import MEAN, SHORTER_SIDE, SIDE, STD, Job, Peer, versions


def dali(job: Job, **resize: object) -> Peer:
    @pipeline_def(
        batch_size=job.batch,
        num_threads=job.cores,
        device_id=None,
        exec_async=False,
        exec_pipelined=False,
        prefetch_queue_depth=1,
    )
    def graph() -> object:
        files, _ = fn.readers.file(files=job.paths)
        images = fn.decoders.image(files, device="cpu", output_type=types.RGB)
        images = fn.resize(images, interp_type=types.INTERP_LINEAR, **resize)
        mean, std = list(255 * MEAN), list(255 * STD)
        # torchvision's crop of an odd remainder: half a pixel is left out.
        crop = {"crop": (SIDE, SIDE), "rounding": "truncate"}
        return fn.crop_mirror_normalize(images, dtype=types.FLOAT, output_layout="CHW", mean=mean, std=std, **crop)

    pipeline = graph()
    pipeline.build()
    arguments = ", ".join(f"{key}={value}" for key, value in resize.items())
    spelling = f"decoders.image(cpu), resize({arguments}), crop_mirror_normalize; device_id=None, num_threads={job.cores}, synchronous"
    spelling = f"{spelling}; {versions(nvidia.dali)}"
    return Peer(spelling, lambda: (np.asarray(pipeline.run()[0].as_tensor()) for _ in job.batches()))


def plain(job: Job) -> Peer:
    return dali(job, size=[SIDE, SIDE], antialias=False)


def antialias(job: Job) -> Peer:
    return dali(job, size=[SIDE, SIDE], antialias=True)


def antialias_cropped(job: Job) -> Peer:
    return dali(job, resize_shorter=SHORTER_SIDE, antialias=True)
