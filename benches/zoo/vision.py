"""Networks that see: torchvision's, timm's and Ultralytics', and a U-Net."""

import timm
import torch
import torchvision.models as models
import torchvision.models.detection as detection
from registry import flat, floats, register
from torch import nn


def torchvision(name, **options):
    return lambda: models.get_model(name, weights=None, **options)


def segmentation(name):
    return flat(lambda: getattr(models.segmentation, name)(weights=None, weights_backbone=None), "out")


def from_timm(name, **options):
    return lambda: timm.create_model(name, pretrained=False, **options)


def detector(name, **options):
    """A detector of one picture, its outputs in the order of their names."""

    def make():
        net = getattr(detection, name)(weights=None, weights_backbone=None, **options)

        class One(nn.Module):
            def __init__(self):
                super().__init__()
                self.net = net

            def forward(self, image):
                y = self.net([image[0]])[0]
                return tuple(y[k] for k in sorted(y))

        return One()

    return make


def unet(bilinear=False):
    """A small U-Net that upsamples by transposed convolutions, or bilinearly."""

    def make():

        def dc(i, o):
            return nn.Sequential(
                nn.Conv2d(i, o, 3, padding=1, bias=False),
                nn.BatchNorm2d(o),
                nn.ReLU(True),
                nn.Conv2d(o, o, 3, padding=1, bias=False),
                nn.BatchNorm2d(o),
                nn.ReLU(True),
            )

        class UNet(nn.Module):
            def __init__(self, c=24):
                super().__init__()
                self.inc = dc(3, c)
                self.down = nn.ModuleList([dc(c << i, c << (i + 1)) for i in range(3)])
                if bilinear:
                    self.up = nn.ModuleList(
                        [nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), nn.Conv2d(c << (i + 1), c << i, 1)) for i in (2, 1, 0)]
                    )
                else:
                    self.up = nn.ModuleList([nn.ConvTranspose2d(c << (i + 1), c << i, 2, 2) for i in (2, 1, 0)])
                self.dec = nn.ModuleList([dc(c << (i + 1), c << i) for i in (2, 1, 0)])
                self.out = nn.Conv2d(c, 2, 1)

            def forward(self, x):
                skips = [self.inc(x)]
                for d in self.down:
                    skips.append(d(nn.functional.max_pool2d(skips[-1], 2)))
                y = skips.pop()
                for u, d in zip(self.up, self.dec, strict=True):
                    s = skips.pop()
                    y = u(y)
                    dy, dx = s.shape[2] - y.shape[2], s.shape[3] - y.shape[3]
                    y = nn.functional.pad(y, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])
                    y = d(torch.cat([s, y], 1))
                return self.out(y)

        return UNet()

    return make


CLASSIFIERS = """
resnet18 resnet50 resnext50_32x4d wide_resnet50_2 mobilenet_v2 mobilenet_v3_large efficientnet_b0 efficientnet_v2_s
convnext_tiny regnet_y_400mf densenet121 shufflenet_v2_x1_0 mnasnet1_0 vgg16 swin_t swin_v2_t maxvit_t vit_b_16 squeezenet1_1
"""
TIMM = """
vit_base_patch16_224 vit_small_patch16_224 deit_tiny_distilled_patch16_224 swin_tiny_patch4_window7_224
efficientformer_l1 ghostnet_100 repvgg_a0 hrnet_w18_small dla34 mobilenetv4_conv_small tf_efficientnet_b0 fastvit_t8
levit_128s convnextv2_atto mixer_s32_224 poolformer_s12 xcit_nano_12_p16_224 coatnet_nano_rw_224 resnest14d dm_nfnet_f0
beit_base_patch16_224 tiny_vit_5m_224 eca_nfnet_l0 edgenext_xx_small cspresnet50 mobileone_s0 efficientvit_b0
"""
YOLO = """
yolov8n yolo11n yolo26n yolov5n yolov10n yolo12n yolov8n-seg yolo11n-seg yolo26n-seg yolov8n-pose yolo11n-pose yolo11n-obb
rtdetr-resnet50 rtdetr-l
"""

for name in CLASSIFIERS.split():
    register(name, torchvision(name))
register("inception_v3", torchvision("inception_v3", aux_logits=True, init_weights=False), size=299)
register("googlenet", torchvision("googlenet", aux_logits=False, init_weights=False))
for name in TIMM.split():
    register("timm_" + name, from_timm(name))
register("timm_mobilevit_s", from_timm("mobilevit_s"), size=256)
register("timm_eva02_tiny_patch14_224", from_timm("eva02_tiny_patch14_224"))
register("timm_dinov2_vits14_reg", from_timm("vit_small_patch14_reg4_dinov2", img_size=224))
register("resnet18_half", torchvision("resnet18"), half=True)
register("vit_small_half", from_timm("vit_small_patch16_224"), half=True)

DETECTORS = {
    "ssdlite320": detector("ssdlite320_mobilenet_v3_large"),
    "retinanet": detector("retinanet_resnet50_fpn", min_size=320, max_size=320),
    "fasterrcnn_mnv3": detector("fasterrcnn_mobilenet_v3_large_320_fpn"),
    "maskrcnn": detector("maskrcnn_resnet50_fpn", min_size=320, max_size=320),
    "keypointrcnn": detector("keypointrcnn_resnet50_fpn", min_size=320, max_size=320),
    "fcos": detector("fcos_resnet50_fpn", min_size=320, max_size=320),
}
for name, make in DETECTORS.items():
    register(name, make, size=320, preset="ultralytics", dynamic=False)

register("deeplabv3_mnv3", segmentation("deeplabv3_mobilenet_v3_large"), size=256)
register("deeplabv3_r50", segmentation("deeplabv3_resnet50"), size=256)
register("fcn_r50", segmentation("fcn_resnet50"), size=256)
register("lraspp", segmentation("lraspp_mobilenet_v3_large"), size=256)
register("unet_convT", unet(), size=256)
register("unet_bilinear", unet(True), size=256)
register("r3d_18", lambda: models.video.r3d_18(weights=None), arrays=floats(clip=(3, 8, 64, 64)))
register("r2plus1d_18", lambda: models.video.r2plus1d_18(weights=None), arrays=floats(clip=(3, 8, 64, 64)))

for name in YOLO.split():
    register(name, None, ultralytics=name, size=320, preset="ultralytics", dynamic=False)
register("yolo11n-cls", None, ultralytics="yolo11n-cls", dynamic=False)
for name in ["yolov8n", "yolo11n", "yolo11n-seg", "yolo11n-pose"]:
    register(f"{name}-nms", None, ultralytics=name, nms=True, size=320, preset="ultralytics", dynamic=False)
