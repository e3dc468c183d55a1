"""Networks of the transformers package, text, sound and pictures, most of them small configurations."""

import torch
import transformers
from registry import floats, register, tokens
from transformers.models.whisper.modeling_whisper import WhisperEncoder

INPUTS = {
    "CLIPVisionModel": ["pixel_values"],
    "SegformerForSemanticSegmentation": ["pixel_values"],
    "DPTForDepthEstimation": ["pixel_values"],
    "DepthAnythingForDepthEstimation": ["pixel_values"],
    "DetrForObjectDetection": ["pixel_values"],
    "Wav2Vec2Model": ["input_values"],
    "GPT2LMHeadModel": ["input_ids"],
    "BertModel": ["input_ids", "attention_mask", "token_type_ids"],
    "BertForSequenceClassification": ["input_ids", "attention_mask", "token_type_ids"],
}
IDS_AND_MASK = ["input_ids", "attention_mask"]


def wrapped(net, names, outputs):
    """The network with its inputs in the order of `names`, and those of its outputs, or its first."""
    net.config.return_dict = True

    class Wrapped(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, *x):
            y = self.net(**dict(zip(names, x, strict=True)))
            return tuple(getattr(y, output) for output in outputs) if outputs else y[0]

    return Wrapped()


def from_config(kind, outputs=(), **settings):
    """A model of class `kind` with random weights; its configuration's class goes by its family's name."""

    def make():
        net_class = getattr(transformers, kind)
        config = net_class.config_class(**settings)
        config._attn_implementation = "eager" if kind.startswith("Deberta") else "sdpa"
        return wrapped(net_class(config), INPUTS.get(kind, IDS_AND_MASK), outputs)

    return make


def whisper():
    config = transformers.WhisperConfig(d_model=256, encoder_layers=4, encoder_attention_heads=4, encoder_ffn_dim=1024, max_source_positions=300)
    return wrapped(WhisperEncoder(config), ["input_features"], ())


def detr():
    backbone = transformers.ResNetConfig(embedding_size=64, depths=[2, 2, 2, 2], hidden_sizes=[64, 128, 256, 512], layer_type="basic", out_features=["stage4"])
    config = transformers.DetrConfig(
        use_timm_backbone=False, use_pretrained_backbone=False, encoder_layers=3, decoder_layers=3, num_queries=50, backbone=None, backbone_config=backbone
    )
    return wrapped(transformers.DetrForObjectDetection(config), ["pixel_values"], ("logits", "pred_boxes"))


def depth_anything():
    backbone = transformers.Dinov2Config(
        hidden_size=192, num_hidden_layers=6, num_attention_heads=3, image_size=224, patch_size=14, out_indices=[3, 4, 5, 6],
        apply_layernorm=True, reshape_hidden_states=False,
    )  # fmt: skip
    config = transformers.DepthAnythingConfig(backbone_config=backbone, reassemble_hidden_size=192, neck_hidden_sizes=[48, 96, 192, 192], fusion_hidden_size=64)
    return wrapped(transformers.DepthAnythingForDepthEstimation(config), ["pixel_values"], ("predicted_depth",))


SMALL = {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 1024, "vocab_size": 1000}
WIDTHS = {"hidden_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 1024}
LAST = ("last_hidden_state",)
POOLED = ("pooler_output",)
PAIR = tokens(types=False)

register("hf_bert", from_config("BertForSequenceClassification", **SMALL), arrays=tokens())
register("hf_bert_base", from_config("BertModel", LAST), arrays=tokens(vocabulary=30000))
register("hf_distilbert", from_config("DistilBertModel", dim=256, n_layers=4, n_heads=4, hidden_dim=1024, vocab_size=1000), arrays=PAIR)
register("hf_roberta", from_config("RobertaModel", LAST, **SMALL), arrays=PAIR)
register("hf_clip_text", from_config("CLIPTextModel", POOLED, **SMALL, eos_token_id=999), arrays=PAIR)
register("hf_clip_vision", from_config("CLIPVisionModel", POOLED, **WIDTHS, image_size=224, patch_size=32))
register("hf_gpt2", from_config("GPT2LMHeadModel", n_embd=256, n_layer=4, n_head=4, vocab_size=1000, use_cache=False), arrays=tokens(types=False, mask=False))
register("hf_t5enc", from_config("T5EncoderModel", d_model=256, d_kv=64, d_ff=1024, num_layers=4, num_heads=4, vocab_size=1000), arrays=PAIR)
register("hf_modernbert", from_config("ModernBertModel", pad_token_id=0, **SMALL), arrays=PAIR)
register("hf_llama", from_config("LlamaForCausalLM", use_cache=False, **SMALL), arrays=PAIR)
register("hf_debertav2", from_config("DebertaV2Model", relative_attention=True, pos_att_type=["c2p", "p2c"], **SMALL), arrays=PAIR)
register("hf_whisper_enc", whisper, arrays=floats(input_features=(80, 600)))
register(
    "hf_wav2vec2",
    from_config("Wav2Vec2Model", LAST, hidden_size=256, num_hidden_layers=3, num_attention_heads=4, intermediate_size=1024),
    arrays=floats(input_values=(16000,)),
)
register("hf_detr", detr, size=320)
register("hf_segformer", from_config("SegformerForSemanticSegmentation", ("logits",)), size=256)
register(
    "hf_dpt",
    from_config(
        "DPTForDepthEstimation", ("predicted_depth",), hidden_size=192, num_hidden_layers=6, num_attention_heads=4, intermediate_size=768,
        backbone_out_indices=[1, 2, 4, 5], neck_hidden_sizes=[48, 96, 192, 192], fusion_hidden_size=64, image_size=224, is_hybrid=False,
    ),
)  # fmt: skip
register("hf_depth_anything", depth_anything)
